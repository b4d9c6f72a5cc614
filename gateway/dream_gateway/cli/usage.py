"""`dream-gateway usage`: what customers have used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import time_text
from dream_gateway.cli.session import Session, with_session
from dream_gateway.gateway import Gateway

if TYPE_CHECKING:
    from dream_gateway.model import Verdict


@click.group("usage")
def command() -> None:
    """Show what a customer has used."""


@command.command("show")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--customer", required=True, help="The customer's id, as your API has it.")
@with_session()
def show(session: Session, *, project: str, customer: str) -> None:
    """Show a customer's usage in the current period, from the ledger. Charges nothing."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            found = await admin.project(project)
        gateway = Gateway(session.settings)
        try:
            await gateway.start()
            verdict = await gateway.admission.usage(found, customer)
        finally:
            await gateway.close()
        session.show(_answer(customer, verdict))

    asyncio.run(run())


def _answer(customer: str, verdict: Verdict) -> dict[str, object]:
    usage = verdict.usage
    answer: dict[str, object] = {
        "userId": customer,
        "plan": verdict.tier.name if verdict.tier else None,
    }
    if usage is None:
        return answer | {"usageCount": None, "limit": None, "remaining": None}
    return answer | {
        "usageCount": usage.used,
        "limit": "unlimited" if usage.limit is None else usage.limit,
        "remaining": "unlimited" if usage.remaining is None else usage.remaining,
        "periodStart": time_text(usage.period.start),
        "periodEnd": time_text(usage.period.end),
        **({} if usage.overage is None else {"overage": usage.overage}),
    }
