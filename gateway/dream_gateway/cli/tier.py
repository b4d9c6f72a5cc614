"""`dream-gateway tier`: the plans that a project's customers can be on."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import tier_row
from dream_gateway.cli.session import Session, check_value, with_session
from dream_gateway.model import BILLING_INTERVALS, Interval
from dream_gateway.service.values import Currency
from dream_gateway.tierspec import parse_tiers

COLUMNS = (
    "name", "price", "currency", "billingInterval", "quota", "overage", "rate", "burst",
)  # fmt: skip


@click.group("tier")
def command() -> None:
    """Set, list and delete a project's tiers."""


@command.command("set")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--price", type=click.IntRange(min=0), help="In the minor unit.")
@click.option("--currency", help="ISO 4217, in lower case.")
@click.option(
    "--billing-interval",
    type=click.Choice([each.value for each in BILLING_INTERVALS]),
    help="What the price is for.",
)
@click.option("--trial-days", type=click.IntRange(0, 3650), help="Days before the first payment.")
@with_session()
def change(session: Session, *, specs: tuple[str, ...], project: str, **values: Any) -> None:
    """Add tiers, or change those of the same name: the new limit holds at once, usage stays.

    SPEC is name=LIMIT[/interval][+overage][@rate], such as free=100/month@10/s or pro=unlimited.
    Overage is what use beyond the limit costs, as a price in minor units for so many units:
    team=10000/month+50/1000. What is not named stays as it is.
    """
    limits = parse_tiers(specs)
    check_value("--currency", values["currency"], Currency | None)
    given = {name: value for name, value in values.items() if value is not None}
    if "billing_interval" in given:
        given["billing_interval"] = Interval(given["billing_interval"])

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            tiers = [await admin.change_tier(project, each, given) for each in limits]
        session.show_list([tier_row(tier) for tier in tiers], COLUMNS)

    asyncio.run(run())


@command.command("list")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def show(session: Session, *, project: str) -> None:
    """List a project's tiers."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = [tier_row(tier) for tier in await admin.tiers(project)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("delete")
@click.argument("name", metavar="NAME")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def delete(session: Session, *, name: str, project: str) -> None:
    """Remove a tier that nobody is on."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            await admin.remove_tier(project, name)
        session.show({"name": name, "deleted": True})

    asyncio.run(run())
