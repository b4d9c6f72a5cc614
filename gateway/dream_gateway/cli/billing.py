"""`dream-gateway billing`: what is to be paid, and what the payment provider has of it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from dream_gateway.billing.reconciliation import Reconciliation
from dream_gateway.cli.catalogue import drift, push
from dream_gateway.cli.rendering import time_text
from dream_gateway.cli.session import Session, with_session
from dream_gateway.cli.till import open_till
from dream_gateway.clock import SystemClock
from dream_gateway.records import overage

if TYPE_CHECKING:
    from dream_gateway.billing.reconciliation import Line

COLUMNS = (
    "projectId", "customer", "plan", "periodStart", "included", "used", "overage", "unreported",
    "pending", "sent", "parked", "provider", "difference", "fault",
)  # fmt: skip
DIFFERS = 1


@click.group("billing")
def command() -> None:
    """Push what is for sale to the payment provider, and compare what it has."""


command.add_command(push)
command.add_command(drift)


@command.command("reconcile")
@click.option("--project", metavar="PROJECT", help="Only this project's customers.")
@click.option("--retry", is_flag=True, help="Have reports sent again that were refused.")
@with_session()
def reconcile(session: Session, *, project: str | None, retry: bool) -> None:
    """Compare the overage of each customer: in the ledger, as reported, and at the provider.

    All numbers are units of the last seven days' periods. The exit code is 1 if the provider has other
    units than were sent, cannot be asked, or refuses some.
    """

    async def run() -> list[Line]:
        async with open_till(session.settings) as (provider, records, ledger):
            if retry:
                async with records.write("operator") as writer:
                    await overage.unpark(writer, project)
            found = Reconciliation(provider, records, ledger, SystemClock())
            return [line async for line in found.lines(project)]

    lines = asyncio.run(run())
    session.show_list([_row(line) for line in lines], COLUMNS)
    if not all(line.agrees for line in lines):
        sys.exit(DIFFERS)


def _row(line: Line) -> dict[str, object]:
    return {
        "projectId": line.project_id,
        "customer": line.customer,
        "plan": line.plan,
        "periodStart": time_text(line.period_start),
        "periodEnd": time_text(line.period_end),
        "included": line.included,
        "used": line.used,
        "overage": line.beyond,
        "unreported": line.unreported,
        "pending": line.sums.pending,
        "sent": line.sums.sent,
        "parked": line.sums.parked,
        "provider": line.provider,
        "difference": line.difference,
        "fault": line.fault,
    }
