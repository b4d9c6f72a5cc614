"""`dream-gateway audit`: who changed what, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
import msgspec

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import instant, time_text
from dream_gateway.cli.session import Session, with_session
from dream_gateway.records.audit import Wanted

if TYPE_CHECKING:
    from dream_gateway.records.audit import Entry

COLUMNS = ("at", "actor", "action", "object", "projectId", "requestId", "details")


@click.command("audit")
@click.option("--project", metavar="PROJECT", help="Only what is of this project.")
@click.option("--platform", metavar="PLATFORM", help="Only what is of this platform.")
@click.option("--actor", help="Only what this key, developer or word did.")
@click.option(
    "--action", help="Only this action, such as key.revoke, or all of a kind, such as key."
)
@click.option("--since", metavar="TIME", help="Only from this time on, such as 2030-01-31T12:00Z.")
@click.option("--until", metavar="TIME", help="Only before this time.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Entries to show at most.",
)
@click.option("--before", type=int, metavar="POSITION", help="Only entries before this one.")
@with_session()
def command(
    session: Session,
    *,
    since: str | None,
    until: str | None,
    limit: int,
    before: int | None,
    **filters: str | None,
) -> None:
    """List the audit log, newest first."""
    wanted = Wanted(since=instant(since, "--since"), until=instant(until, "--until"), **filters)

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = [_row(entry, session) for entry in await admin.audit(wanted, before, limit)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


def _row(entry: Entry, session: Session) -> dict[str, object]:
    details = dict(entry.details)
    return {
        "position": entry.position,
        "at": time_text(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "platformId": entry.platform,
        "projectId": entry.project,
        "requestId": entry.request,
        "details": details if session.as_json else msgspec.json.encode(details).decode(),
    }
