"""`dream-gateway key`: the keys with which customers call."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import instant, key_row
from dream_gateway.cli.session import Session, with_session
from dream_gateway.tierspec import parse_tier

COLUMNS = ("keyId", "name", "prefix", "last4", "status", "scopes", "expiresAt")


@click.group("key")
def command() -> None:
    """Create, list, rotate and revoke customers' keys."""


@command.command("create")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--customer", required=True, help="The customer's id, as your API has it.")
@click.option("--name", default="", help="What the key is called.")
@click.option("--scope", "scopes", multiple=True, help="A scope of the key. May be given again.")
@click.option("--expires", metavar="TIME", help="When it stops working, such as 2030-01-31T12:00Z.")
@click.option("--rate", metavar="RATE", help="The key's own rate, such as 10/s.")
@with_session()
def create(
    session: Session,
    *,
    project: str,
    customer: str,
    name: str,
    scopes: tuple[str, ...],
    expires: str | None,
    rate: str | None,
) -> None:
    """Create a key. It is shown now, and never again."""
    allowance = parse_tier(f"key=unlimited@{rate}").rate if rate else None
    expires_at = instant(expires, "--expires")

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            made = await admin.create_key(
                project, customer, name=name, scopes=scopes, expires_at=expires_at, rate=allowance
            )
        session.show({"keyId": made.credential.id, "key": made.secret})

    asyncio.run(run())


@command.command("list")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--customer", required=True, help="The customer's id, as your API has it.")
@with_session()
def show(session: Session, *, project: str, customer: str) -> None:
    """List a customer's keys, without their secrets."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = [key_row(key) for key in await admin.keys(project, customer)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("revoke")
@click.argument("key_id", metavar="KEYID")
@with_session()
def revoke(session: Session, *, key_id: str) -> None:
    """Revoke a key for good; running workers refuse it within a second."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            key = await admin.revoke_key(key_id)
        session.show({"keyId": key.id, "status": key.status})

    asyncio.run(run())


@command.command("rotate")
@click.argument("key_id", metavar="KEYID")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seconds the old secret goes on working.",
)
@with_session()
def rotate(session: Session, *, key_id: str, grace: int) -> None:
    """Give a key a new secret. It is shown now, and never again."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            made = await admin.rotate_key(key_id, grace)
        session.show({"keyId": made.credential.id, "key": made.secret})

    asyncio.run(run())
