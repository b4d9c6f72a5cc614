"""`dream-gateway mcp`: the gateway for assistants."""

from __future__ import annotations

import os

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.errors import MissingExtraError

SECRET_VARIABLE = "GATEWAY_SECRET_KEY"  # noqa: S105 - a name
URL_VARIABLE = "GATEWAY_URL"


@click.command("mcp")
@click.option(
    "--service-url",
    envvar=URL_VARIABLE,
    metavar="URL",
    help=f"Where the service is; else ${URL_VARIABLE}, else what the settings say.",
)
@click.option("--allow-writes", is_flag=True, help="Offer tools that create keys and change plans.")
@click.option("--http", is_flag=True, help="Serve streamable HTTP on loopback instead of stdio.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=8790, help="Its port (8790).")
@with_session("service_url")
def command(session: Session, *, allow_writes: bool, http: bool, http_port: int) -> None:
    """Serve the Model Context Protocol: tools to read usage, customers, tiers and the project.

    The project is that of the secret key in the variable GATEWAY_SECRET_KEY: no flag takes it, since
    whoever lists processes reads flags. Over HTTP nobody is asked for a key: loopback only.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret.startswith("sk_"):
        raise click.UsageError(f"{SECRET_VARIABLE} must hold a project's secret key (sk_...).")
    try:
        from dream_gateway.mcp_server.server import build_server  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "The command mcp needs an extra: pip install 'dream-gateway[mcp]'."
        ) from error
    settings = session.settings
    url = settings.service_base
    server = build_server(url, secret, allow_writes=allow_writes)
    if http:
        server.run("streamable-http", host="127.0.0.1", port=http_port)
    else:
        server.run("stdio")
