"""`dream-gateway billing push` and `drift`: what projects sell, at the payment provider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import OPERATOR
from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.cli.session import Session, with_session
from dream_gateway.cli.till import open_till
from dream_gateway.clock import SystemClock
from dream_gateway.model import Actor

if TYPE_CHECKING:
    from dream_gateway.billing.items import Drift
    from dream_gateway.records.prices import Price

PRICES = ("kind", "ref", "amount", "currency", "interval", "priceId")
DRIFTS = ("kind", "ref", "problem", "fields")


@click.command("push")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def push(session: Session, *, project: str) -> None:
    """Have on sale at the payment provider what a project sells: all of it, or as it was."""

    async def run() -> None:
        async with open_till(session.settings) as (provider, records, _):
            done = await Catalogue(provider, records, SystemClock()).push(project, Actor(OPERATOR))
        session.show_list([_price_row(price) for price in done.on_sale], PRICES)

    asyncio.run(run())


@click.command("drift")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--repair", is_flag=True, help="Push the catalogue, which puts it right.")
@with_session()
def drift(session: Session, *, project: str, repair: bool) -> None:
    """List what the payment provider has otherwise than it is here."""

    async def run() -> None:
        async with open_till(session.settings) as (provider, records, _):
            catalogue = Catalogue(provider, records, SystemClock())
            found = await catalogue.drift(project)
            if found and repair:
                await catalogue.push(project, Actor(OPERATOR))
        session.show_list([_drift_row(each) for each in found], DRIFTS)

    asyncio.run(run())


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
