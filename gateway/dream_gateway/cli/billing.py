"""`dream-gateway billing`: what projects sell, at the payment provider."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import click

from dream_gateway.administration import OPERATOR, open_records
from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.cli.session import Session, with_session
from dream_gateway.clock import SystemClock
from dream_gateway.errors import BillingNotConfiguredError
from dream_gateway.model import Actor
from dream_gateway.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.billing.items import Drift
    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records
    from dream_gateway.records.prices import Price
    from dream_gateway.settings import Settings

PRICES = ("kind", "ref", "amount", "currency", "interval", "priceId")
DRIFTS = ("kind", "ref", "problem", "fields")


class Till(NamedTuple):
    """What a command about money works with."""

    provider: Billing
    records: Records


@click.group("billing")
def command() -> None:
    """Push what is for sale to the payment provider, and compare."""


@command.command("push")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def push(session: Session, *, project: str) -> None:
    """Have on sale at the payment provider what a project sells: all of it, or as it was."""

    async def run() -> None:
        async with open_till(session.settings) as till:
            done = await _catalogue(till).push(project, Actor(OPERATOR))
        session.show_list([_price_row(price) for price in done.on_sale], PRICES)

    asyncio.run(run())


@command.command("drift")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--repair", is_flag=True, help="Push the catalogue, which puts it right.")
@with_session()
def drift(session: Session, *, project: str, repair: bool) -> None:
    """List what the payment provider has otherwise than it is here."""

    async def run() -> None:
        async with open_till(session.settings) as till:
            catalogue = _catalogue(till)
            found = await catalogue.drift(project)
            if found and repair:
                await catalogue.push(project, Actor(OPERATOR))
        session.show_list([_drift_row(each) for each in found], DRIFTS)

    asyncio.run(run())


@asynccontextmanager
async def open_till(settings: Settings) -> AsyncIterator[Till]:
    """Open the records and the payment provider. Raises `BillingNotConfiguredError`."""
    plugins = Plugins(settings.plugins)
    try:
        billings = plugins.billings()
        if not billings:
            raise BillingNotConfiguredError
        async with open_records(settings) as records:
            yield Till(billings[0], records)
    finally:
        await plugins.aclose()


def _catalogue(till: Till) -> Catalogue:
    return Catalogue(till.provider, till.records, SystemClock())


def _price_row(price: Price) -> dict[str, object]:
    return {
        "kind": price.kind,
        "ref": price.ref,
        "amount": price.amount,
        "currency": price.currency,
        "interval": price.interval,
        "priceId": price.price_id,
        "productId": price.provider_product_id,
    }


def _drift_row(found: Drift) -> dict[str, object]:
    return {
        "kind": found.kind,
        "ref": found.ref,
        "problem": found.problem,
        "fields": list(found.fields),
    }
