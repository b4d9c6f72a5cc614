"""`dream-gateway webhooks`: what payment providers told, and what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import OPERATOR
from dream_gateway.cli.rendering import time_text
from dream_gateway.cli.session import Session, with_session
from dream_gateway.command_stores import open_records
from dream_gateway.errors import NotFoundError
from dream_gateway.records import inbox
from dream_gateway.records.inbox import InboxStatus

if TYPE_CHECKING:
    from dream_gateway.records.inbox import Received

COLUMNS = ("position", "receivedAt", "type", "ref", "status", "attempts", "projectId", "fault")


@click.group("webhooks")
def command() -> None:
    """List what payment providers told, and have it dealt with again."""


@command.command("list")
@click.option(
    "--status",
    type=click.Choice([each.value for each in InboxStatus]),
    help="Only events that are so.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Events to show at most.",
)
@click.option("--before", type=int, metavar="POSITION", help="Only events before this one.")
@with_session()
def show(session: Session, *, status: str | None, limit: int, before: int | None) -> None:
    """List events, newest first."""
    wanted = None if status is None else InboxStatus(status)

    async def run() -> None:
        async with (
            open_records(session.settings, create=False) as records,
            records.read() as connection,
        ):
            rows = [_row(each) for each in await inbox.page(connection, wanted, before, limit)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("replay")
@click.argument("positions", nargs=-1, type=int, metavar="POSITION...")
@click.option("--parked", is_flag=True, help="All that are parked.")
@with_session()
def replay(session: Session, *, positions: tuple[int, ...], parked: bool) -> None:
    """Have a running gateway deal with events again: what they are about is asked for anew."""
    if parked == bool(positions):
        raise click.UsageError("Name positions, as `webhooks list` shows them, or say --parked.")

    async def run() -> None:
        async with (
            open_records(session.settings, create=False) as records,
            records.write(OPERATOR) as writer,
        ):
            count = await inbox.replay(writer, None if parked else positions)
            if count < len(set(positions)):
                raise NotFoundError("There is no event at one of these positions.")
            await writer.audit("webhooks.replay", "inbox", {"events": count})
        session.show({"replayed": count})

    asyncio.run(run())


def _row(event: Received) -> dict[str, object]:
    return {
        "position": event.position,
        "receivedAt": time_text(event.received_at),
        "eventId": event.event_id,
        "type": event.type,
        "endpoint": event.endpoint.value,
        "accountId": event.account.id,
        "live": event.account.live,
        "about": event.about.value,
        "ref": event.ref,
        "status": event.status.value,
        "attempts": event.attempts,
        "dueAt": time_text(event.due_at),
        "doneAt": time_text(event.done_at),
        "platformId": event.platform_id,
        "projectId": event.project_id,
        "fault": event.fault,
    }
