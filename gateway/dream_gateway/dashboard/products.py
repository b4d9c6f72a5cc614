"""`/dashboard/{project}/products`: what the project sells by the piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.entries import decimal
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import products

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.model import Product

PATH = "/dashboard/{project}/products"
ONE = PATH + "/{product}"
API = "/api/products/{id}"
EMPTY: dict[str, Any] = {"currency": "usd", "soldOut": False}


class ProductPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("GET", PATH + "/new", self.show_new, least=Role.ADMIN),
            Page("POST", PATH + "/new", self.create, least=Role.ADMIN),
            Page("GET", ONE, self.show_one, least=Role.ADMIN),
            Page("POST", ONE, self.replace, least=Role.ADMIN),
            Page("POST", ONE + "/delete", self.delete, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show every product."""
        async with self._desk.read() as connection:
            found = await products.of_project(connection, visit.place.project.id)
        images = [each.image_url for each in found if each.image_url]
        return self._desk.show(visit, "products.html", images=images, products=found)

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a product."""
        return self._desk.show(visit, "product.html", values=EMPTY, version="")

    async def create(self, visit: Visit) -> Response:
        """Create a product."""
        body = _body(visit)
        if visit.errors:
            return await self.show_new(visit)
        try:
            await self._desk.act(visit, "POST", "/api/products", body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_new(visit)
        return self._desk.go(f"{visit.home}/products", "created")

    async def show_one(self, visit: Visit) -> Response:
        """Show the form with a product's values."""
        project = visit.place.project.id
        done = await self._desk.act(visit, "GET", API, {"id": visit.parameters["product"]})
        async with self._desk.read() as connection:
            # As it is stored: the API calls sold out too what there is none of.
            product = await products.by_id(connection, project, visit.parameters["product"])
        if product is None:
            raise NotFoundError("There is no such product.")
        values, version = _entered(product), done.version or ""
        images = [product.image_url] if product.image_url else []
        return self._desk.show(visit, "product.html", images=images, values=values, version=version)

    async def replace(self, visit: Visit) -> Response:
        """Put new values in the place of a product's, unless somebody else did meanwhile."""
        here, body = {"id": visit.parameters["product"]}, _body(visit)
        version = visit.value("version") or None
        if visit.errors:
            return await self.show_one(visit)
        try:
            await self._desk.act(visit, "PUT", API, here, body=body, version=version)
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_one(visit)
        return self._desk.go(f"{visit.home}/products", "saved")

    async def delete(self, visit: Visit) -> Response:
        """Delete a product."""
        await self._desk.act(visit, "DELETE", API, {"id": visit.parameters["product"]})
        return self._desk.go(f"{visit.home}/products", "deleted")


def _body(visit: Visit) -> dict[str, object]:
    currency = entries.text(visit, "currency").lower()
    price = entries.amount(visit, "price", currency)
    if price is None:
        visit.errors.setdefault("price", "A product needs a price; 0 is one.")
    return {
        "name": entries.text(visit, "name"),
        "displayName": entries.text(visit, "displayName"),
        "description": entries.text(visit, "description"),
        "price": price,
        "currency": currency,
        "imageUrl": entries.optional(visit, "imageUrl"),
        "inventory": entries.whole(visit, "inventory"),
        "soldOut": bool(visit.value("soldOut")),
        "features": entries.lines(visit, "features"),
        "priceId": entries.optional(visit, "priceId"),
        "productId": entries.optional(visit, "productId"),
    }


def _entered(product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "displayName": product.display_name,
        "description": product.description,
        "price": decimal(product.price, product.currency),
        "currency": product.currency,
        "imageUrl": product.image_url or "",
        "inventory": "" if product.inventory is None else str(product.inventory),
        "soldOut": product.sold_out,
        "features": "\n".join(product.features),
        "priceId": product.price_id or "",
        "productId": product.product_id or "",
    }
