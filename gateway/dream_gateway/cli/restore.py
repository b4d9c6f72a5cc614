"""`dream-gateway restore`: a backup in the place of the store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.snapshots import restore


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Keep what is there under another name.")
@with_session()
def command(session: Session, file: Path, *, replace: bool) -> None:
    """Put a backup into the place of the store; the gateway must be stopped."""
    session.show(asyncio.run(restore(session.settings, file, replace=replace)))
