"""`dream-gateway platform`: platforms, each with its project, tiers and keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import Administration, open_administration
from dream_gateway.cli.rendering import project_row
from dream_gateway.cli.session import Session, with_session
from dream_gateway.model import Mode
from dream_gateway.tierspec import parse_tier, parse_tiers

if TYPE_CHECKING:
    from dream_gateway.model import Allowance

COLUMNS = ("platformId", "projectId", "name", "mode", "defaultTier", "limits")


@click.group("platform")
def command() -> None:
    """Create, list, suspend and resume platforms."""


@command.command("create")
@click.option("--name", required=True, help="What the platform is called.")
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    required=True,
    metavar="SPEC",
    help="A tier, name=LIMIT[/interval][@rate], such as free=100/month@10/s; the first is the "
    "default. May be given again.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="SPEC",
    help="A limit all customers share, such as 1000000/month@500/s.",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.TEST.value,
    show_default=True,
    help="Whether the project is for trying out or for real.",
)
@with_session()
def create(
    session: Session, *, name: str, tiers: tuple[str, ...], limits: tuple[str, ...], mode: str
) -> None:
    """Create a platform with one project. Its keys are shown now, and never again."""
    parsed = parse_tiers(tiers)
    shared = _allowances(limits)

    async def run() -> None:
        async with open_administration(session.settings) as admin:
            made = await admin.create_platform(name, Mode(mode), parsed, shared)
        session.show(
            {
                "platformId": made.project.platform_id,
                "projectId": made.project.id,
                "publishableKey": made.publishable_key,
                "secretKey": made.secret_key,
            }
        )

    asyncio.run(run())


@command.command("list")
@with_session()
def show(session: Session) -> None:
    """List platforms and their projects."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = await _rows(admin)
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("suspend")
@click.argument("platform", metavar="PLATFORM")
@with_session()
def suspend(session: Session, *, platform: str) -> None:
    """Refuse a platform's keys and changes; running workers do within a second."""
    _set_suspended(session, platform, suspended=True)


@command.command("resume")
@click.argument("platform", metavar="PLATFORM")
@with_session()
def resume(session: Session, *, platform: str) -> None:
    """Let a suspended platform's keys work again."""
    _set_suspended(session, platform, suspended=False)


def _set_suspended(session: Session, platform: str, *, suspended: bool) -> None:
    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            found = await admin.suspend_platform(platform, suspended=suspended)
        session.show({"platformId": found.id, "suspended": found.suspended})

    asyncio.run(run())


async def _rows(admin: Administration) -> list[dict[str, object]]:
    return [project_row(project, name) for name, project in await admin.platforms()]


def _allowances(limits: tuple[str, ...]) -> tuple[Allowance, ...]:
    """Return the allowances of limits that have no name, as those of tiers have."""
    found = (parse_tier(f"project={limit}").allowances for limit in limits)
    return tuple(allowance for allowances in found for allowance in allowances)
