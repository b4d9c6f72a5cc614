"""`dream-gateway demo`: the gateway at work, in front of an example API."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.cli.output import echo
from dream_gateway.cli.session import Session, with_session
from dream_gateway.demo.show import Demo


@click.command("demo")
@click.option("--once", is_flag=True, help="Exit after the first 429 instead of serving on.")
@click.option("--port", type=int, help="TCP port of the edge.")
@click.option("--service-port", type=int, help="TCP port of the service.")
@with_session("port", "service_port")
def command(session: Session, *, once: bool) -> None:
    """Try the gateway: an example API, two tiers, and requests up to the first 429.

    Everything is real, on a store that is thrown away at the end; --store is not used.
    """

    def tell(text: str, told: dict[str, object]) -> None:
        if not session.as_json:
            echo(text)
        elif told:
            session.line(told)

    asyncio.run(Demo(session.settings, tell).run(once=once))
    if not once:
        tell("The demo is over; its store is gone.", {"event": "over"})
