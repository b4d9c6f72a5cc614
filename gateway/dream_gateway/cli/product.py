"""`dream-gateway product`: what a project sells."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import product_row
from dream_gateway.cli.session import Session, check_value, with_session
from dream_gateway.model import Product
from dream_gateway.service.values import Currency, WebUrl

COLUMNS = ("productId", "name", "price", "currency", "inventory", "soldOut")


@click.group("product")
def command() -> None:
    """Set, list and delete a project's products."""


@command.command("set")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@click.option("--name", required=True, help="What the product is called, once in a project.")
@click.option("--price", required=True, type=click.IntRange(min=0), help="In the minor unit.")
@click.option("--currency", default="usd", show_default=True, help="ISO 4217, in lower case.")
@click.option("--display-name", default="", help="What customers see; else the name.")
@click.option("--description", default="", help="What there is to say of it.")
@click.option("--image-url", help="Where a picture of it is.")
@click.option("--inventory", type=click.IntRange(min=0), help="Units in stock; else not counted.")
@click.option("--sold-out", is_flag=True, help="It is sold out, whatever is in stock.")
@with_session()
def change(
    session: Session,
    *,
    project: str,
    name: str,
    price: int,
    currency: str,
    display_name: str,
    description: str,
    image_url: str | None,
    inventory: int | None,
    sold_out: bool,
) -> None:
    """Add a product, or put it in the place of the one of the same name."""
    check_value("--currency", currency, Currency)
    check_value("--image-url", image_url, WebUrl | None)
    wanted = Product(
        id="",
        project_id=project,
        name=name,
        price=price,
        currency=currency,
        created_at=0.0,
        display_name=display_name,
        description=description,
        image_url=image_url,
        inventory=inventory,
        sold_out=sold_out,
    )

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            made = await admin.set_product(wanted)
        session.show(product_row(made))

    asyncio.run(run())


@command.command("list")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def show(session: Session, *, project: str) -> None:
    """List a project's products."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            rows = [product_row(each) for each in await admin.products(project)]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("delete")
@click.argument("name", metavar="NAME")
@click.option("--project", required=True, metavar="PROJECT", help="The project's id.")
@with_session()
def delete(session: Session, *, name: str, project: str) -> None:
    """Delete a product."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            await admin.delete_product(project, name)
        session.show({"name": name, "deleted": True})

    asyncio.run(run())
