"""`dream-gateway mcp`: the gateway for assistants."""

from __future__ import annotations

import os

import click

from dream_gateway.errors import MissingExtraError

SECRET_VARIABLE = "GATEWAY_SECRET_KEY"  # noqa: S105 - a name
URL_VARIABLE = "GATEWAY_URL"
SERVICE_URL = "http://127.0.0.1:8787"


@click.command("mcp")
@click.option(
    "--service-url",
    envvar=URL_VARIABLE,
    default=SERVICE_URL,
    show_default=True,
    help=f"Where the service is; else ${URL_VARIABLE}.",
)
@click.option("--allow-writes", is_flag=True, help="Offer tools that create keys and change plans.")
@click.option("--http", is_flag=True, help="Serve streamable HTTP on loopback instead of stdio.")
@click.option("--port", type=click.IntRange(1, 65535), default=8790, show_default=True)
def command(*, service_url: str, allow_writes: bool, http: bool, port: int) -> None:
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
    server = build_server(service_url, secret, allow_writes=allow_writes)
    if http:
        server.run("streamable-http", host="127.0.0.1", port=port)
    else:
        server.run("stdio")
