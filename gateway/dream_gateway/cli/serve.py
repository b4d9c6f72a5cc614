"""`dream-gateway serve`: the gateway itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.errors import AddressInUseError
from dream_gateway.server.supervisor import Supervisor, run_until_signalled
from dream_gateway.settings_table import shown

if TYPE_CHECKING:
    from dream_gateway.server.listeners import Addresses

FLAGS = (
    "upstream",
    "host",
    "port",
    "service_host",
    "service_port",
    "tls_certificate",
    "tls_key",
    "workers",
    "strict",
    "journal_dir",
    "drain_delay",
    "drain_seconds",
    "log_level",
    "access_log",
)


@click.command("serve")
@click.option("--upstream", metavar="URL", help="URL of the API behind the gateway.")
@click.option("--host", help="Address the edge listens on.")
@click.option("--port", type=int, help="TCP port of the edge.")
@click.option("--service-host", help="Address the service listens on.")
@click.option("--service-port", type=int, help="TCP port of the service.")
@click.option("--tls-certificate", metavar="FILE", help="The edge's certificate chain, in PEM.")
@click.option("--tls-key", metavar="FILE", help="The certificate's private key, in PEM.")
@click.option("--workers", type=int, help="Worker processes.")
@click.option("--strict/--no-strict", default=None, help="Every request through the ledger.")
@click.option("--journal-dir", metavar="DIR", help="Folder of the lease journals.")
@click.option("--drain-delay", type=float, help="Seconds to be not ready before the drain.")
@click.option("--drain-seconds", type=float, help="Seconds requests may take at shutdown.")
@click.option("--log-level", help="debug, info, warning or error.")
@click.option("--access-log/--no-access-log", default=None, help="Log each request.")
@with_session(*FLAGS)
def command(session: Session) -> None:
    """Run the gateway until SIGTERM or Ctrl-C, which drain it; the second one hurries.

    SIGHUP reads the settings and certificates again, and replaces the workers one by one.
    SIGUSR1 opens the access log's file again.
    """
    supervisor = Supervisor(
        session.settings,
        on_ready=lambda addresses: _announce(session, addresses),
        on_event=lambda event: click.echo(event, err=True),
        reread=lambda: session.read().settings,
    )
    try:
        asyncio.run(run_until_signalled(supervisor))
    except AddressInUseError as exc:
        port = session.settings.port
        if port and port == session.settings.service_port:
            raise AddressInUseError(
                f"port and service_port are both {port}: choose another for one of them."
            ) from exc
        raise


def _announce(session: Session, addresses: Addresses) -> None:
    settings = session.settings
    upstreams = [settings.upstream] if settings.upstream else []
    upstreams += [url for route in settings.routes for url in route.upstreams]
    session.show(
        {
            "edge": addresses.edge,
            "service": addresses.service,
            "upstream": [shown("upstream", url) for url in dict.fromkeys(upstreams)],
            "workers": settings.workers,
            "store": shown("store", settings.store),
        }
    )
