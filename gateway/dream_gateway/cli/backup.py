"""`dream-gateway backup`: the whole store in one file, while the gateway serves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.snapshots import back_up


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_session()
def command(session: Session, file: Path) -> None:
    """Write the store to a new file, as it is at one moment; the gateway may serve meanwhile."""
    session.show(asyncio.run(back_up(session.settings, file)))
