"""`dream-gateway export`: everything of one platform, as lines of JSON."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from dream_gateway.cli.output import STANDARD, Output, told
from dream_gateway.cli.session import Session, with_session
from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_stores
from dream_gateway.storage import Role
from dream_gateway.transfer.exporting import Exporter

if TYPE_CHECKING:
    from dream_gateway.settings import Settings

ROLES = (Role.RECORDS, Role.LEDGER, Role.FEED)


@click.command("export")
@click.argument("platform")
@click.option(
    "--with-digests", is_flag=True, help="Write the keys' digests too, so that keys go on working."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to a file that only this user can read, instead of the standard output.",
)
@with_session()
def command(session: Session, *, platform: str, with_digests: bool, output: Path | None) -> None:
    """Write everything of a platform as lines of JSON, without secrets."""
    if output is None:
        asyncio.run(
            _export(session.settings, platform, with_digests, Output(sys.stdout.buffer, STANDARD))
        )
        return
    # Nobody else may read who the customers are. What is there already is not written over.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(output, flags, 0o600)
    except OSError as exc:
        raise click.ClickException(f"{output}: {exc.strerror}.") from exc
    try:
        with told(str(output)), os.fdopen(descriptor, "wb") as file:
            to = Output(file, str(output))
            count = asyncio.run(_export(session.settings, platform, with_digests, to))
    except BaseException:
        output.unlink()
        raise
    session.show({"output": str(output), "lines": count})


async def _export(settings: Settings, platform: str, digests: bool, to: Output) -> int:  # an option
    clock, count = SystemClock(), 0
    async with (
        open_stores(settings, clock, ROLES, create=False) as (records, stores),
        records.read() as connection,
    ):
        exporter = Exporter(connection, stores.ledger(), clock.now(), digests=digests)
        async for line in exporter.lines(platform):
            to.write(msgspec.json.encode(line) + b"\n")
            count += 1
    to.flush()
    return count
