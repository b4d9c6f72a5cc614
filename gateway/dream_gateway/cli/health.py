"""`dream-gateway health`: asks the service of this machine, for whoever starts and stops it."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.errors import ConfigurationError, OperatorError
from dream_gateway.settings import base_url

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

OK = 200
LOOPBACK = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # not listened on
"""Where a listener on any address is reached."""


@click.command("health")
@click.option("--ready", is_flag=True, help="Ask whether it takes traffic, not whether it lives.")
@click.option("--service-host", help="Address the service listens on.")
@click.option("--service-port", type=int, help="TCP port of the service.")
@click.option("--timeout", type=float, default=4.0, help="Seconds the answer may take.")
@with_session("service_host", "service_port")
def command(session: Session, ready: bool, timeout: float) -> None:
    """Ask the service of this machine how it is; exit with 1 if it is not well, or not there."""
    settings, path = session.settings, "/ready" if ready else "/health"
    if settings.service_port == 0:
        raise ConfigurationError("service_port is 0, any port: say which with --service-port.")
    host = LOOPBACK.get(settings.service_host, settings.service_host)
    is_secure = bool(settings.service_tls_certificate)
    url = base_url(host, settings.service_port, is_secure=is_secure) + path
    try:
        status = _status(settings, host, path, timeout)
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(
            f"{url} does not answer: {str(error) or type(error).__name__}."
        ) from error
    if status != OK:
        raise OperatorError(f"{url} answers {status}.")
    session.show({"url": url, "status": status})


def _status(settings: Settings, host: str, path: str, seconds: float) -> int:
    """Return the status of an answer. Asks no proxy: this module knows of none."""
    client = _client(settings, host, seconds)
    try:
        client.request("GET", path)
        return client.getresponse().status
    finally:
        client.close()


def _client(settings: Settings, host: str, seconds: float) -> http.client.HTTPConnection:
    if not settings.service_tls_certificate:
        return http.client.HTTPConnection(host, settings.service_port, timeout=seconds)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # This machine is asked, by an address that is in no certificate, and told nothing.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(
        host, settings.service_port, timeout=seconds, context=context
    )
