"""`dream-gateway import`: an export, or what the system before this one kept."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import OPERATOR
from dream_gateway.cli.output import echo
from dream_gateway.cli.session import Session, with_session
from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_stores
from dream_gateway.storage import Role
from dream_gateway.transfer.files import read_files
from dream_gateway.transfer.gathering import gather
from dream_gateway.transfer.importing import Importer
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from dream_gateway.settings import Settings
    from dream_gateway.transfer.files import Sources
    from dream_gateway.transfer.report import Report

ROLES = (Role.RECORDS, Role.LEDGER, Role.FEED)
REFUSED = 1
SHAPES = (
    "Imported keys have the shape of the system before: set imported_keys to true, so that keys of "
    "other shapes than the gateway's own are looked up."
)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@with_session()
def command(session: Session, *, files: tuple[Path, ...], dry_run: bool) -> None:
    """Import FILES: an export, or an SQLite file, a dump of it in SQL, or a KV export in JSON.

    A project is imported whole or, if a line of it is refused, not at all; what is there already
    stays as it is. Exits with 1 if anything was refused.
    """
    sources = read_files(files)
    report = asyncio.run(_import(session.settings, sources, dry_run))
    if session.as_json:
        session.line(_answer(report, dry_run))
    else:
        _print(report, dry_run)
    if report.refused:
        count, first = len(report.refused), report.refused[0]
        click.echo(
            f"error: refused: {count} lines, the first is {first.place}: it {first.reason}.",
            err=True,
        )
        sys.exit(REFUSED)


async def _import(settings: Settings, sources: Sources, dry: bool) -> Report:  # an option
    clock = SystemClock()
    vault = Vault(settings.encryption_keys)
    bundles, notes = gather(sources, clock.now())
    async with open_stores(settings, clock, ROLES) as (records, stores):
        importer = Importer(records, stores.ledger(), vault, clock, actor=OPERATOR, dry=dry)
        report = await importer.run(bundles)
    report.notes += notes
    if sources.tables and not settings.imported_keys:
        report.notes.append(SHAPES)
    return report


def _answer(report: Report, dry: bool) -> dict[str, object]:  # an option
    return {
        "dryRun": dry,
        "created": {kind: count for kind, count in report.created.items() if count},
        "kept": {kind: count for kind, count in report.kept.items() if count},
        "refused": [asdict(refusal) for refusal in report.refused],
        "leftOut": report.left_out,
        "notes": report.notes,
    }


def _print(report: Report, dry: bool) -> None:  # an option
    verb = "would be created" if dry else "created"
    kinds = [k for k in {**report.created, **report.kept} if report.created[k] or report.kept[k]]
    for kind in kinds:
        echo(f"{kind:<14} {report.created[kind]} {verb}, {report.kept[kind]} there already")
    for refusal in report.refused:
        echo(f"refused: {refusal.place} of {refusal.owner}: it {refusal.reason}")
    for owner in report.left_out:
        echo(f"left out: {owner}, because something of it was refused")
    for note in report.notes:
        echo(f"note: {note}")
