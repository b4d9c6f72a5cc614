"""`dream-gateway tier`: the plans that a project's customers can be on."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import tier_row
from dream_gateway.cli.session import Session, with_session
from dream_gateway.tierspec import parse_tier

COLUMNS = ("name", "quota", "rate", "burst", "overage")


@click.group("tier")
def command() -> None:
    """Set, list and delete a project's tiers."""


@command.command("set")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def change(session: Session, *, specs: tuple[str, ...], project: str) -> None:
    """Add tiers, or change those of the same name: the new limit holds at once, usage stays.

    SPEC is name=LIMIT[/interval][+overage][@rate], such as free=100/month@10/s or pro=unlimited.
    Overage is what use beyond the limit costs, as a price in minor units for so many units:
    team=10000/month+50/1000.
    """
    tiers = [parse_tier(spec) for spec in specs]

    async def run() -> None:
        async with open_administration(session.settings) as admin:
            for tier in tiers:
                await admin.set_tier(project, tier)
        session.show_list([tier_row(tier) for tier in tiers], COLUMNS)

    asyncio.run(run())


@command.command("list")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def show(session: Session, *, project: str) -> None:
    """List a project's tiers."""

    async def run() -> None:
        async with open_administration(session.settings) as admin:
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
        async with open_administration(session.settings) as admin:
            await admin.remove_tier(project, name)
        session.show({"name": name, "deleted": True})

    asyncio.run(run())
