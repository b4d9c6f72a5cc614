"""`/api/products`: what a project sells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Product, Role
from dream_gateway.records import products
from dream_gateway.service.authentication import MANAGERS, READERS
from dream_gateway.service.catalogue_shapes import ProductList, ProductValues, ProductView
from dream_gateway.service.failures import CHANGE, CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading

PATH = "/api/products"
ONE = PATH + "/{id}"


class ProductRoutes:
    """Shows, creates, changes and deletes the products of the caller's project."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List the project's products",
                self.show_all,
                ProductList,
                auth=READERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                ONE,
                "Show a product",
                self.show,
                ProductView,
                auth=READERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            *self._changes(),
        )

    def _changes(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "POST",
                PATH,
                "Create a product",
                self.create,
                ProductView,
                auth=MANAGERS,
                least=Role.ADMIN,
                status=201,
                request=ProductValues,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "PUT",
                ONE,
                "Replace a product",
                self.replace,
                ProductView,
                auth=MANAGERS,
                least=Role.ADMIN,
                request=ProductValues,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Delete a product",
                self.delete,
                None,
                auth=MANAGERS,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
        )

    async def show_all(self, call: Call) -> Answer:
        """List every product."""
        async with self._directory.read() as reading:
            found = await products.of_project(reading.connection, call.known.project.id)
        return Answer(ProductList(products=[product_view(each) for each in found]))

    async def show(self, call: Call) -> Answer:
        """Show one product."""
        async with self._directory.read() as reading:
            return _shown(await _find(reading, call))

    async def create(self, call: Call) -> Answer:
        """Create a product whose name is not taken."""
        writer, project = call.writing.writer, call.known.project.id
        await _check_name(call.writing, project, call.body.name, None)
        product = _product(call.body, keys.mint_id("prod"), project, writer.now)
        await products.add(writer, product)
        return _shown(product)

    async def replace(self, call: Call) -> Answer:
        """Put new values in the place of a product's."""
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, product_view(found))
            await _check_name(writing, found.project_id, call.body.name, found.id)
            product = _product(call.body, found.id, found.project_id, found.created_at)
            product = replace(
                product,
                # The provider's word for it, unless the developer has another one.
                price_id=product.price_id or found.price_id,
                product_id=product.product_id or found.product_id,
            )
            if product != found:
                await products.change(writing.writer, product)
        return _shown(product)

    async def delete(self, call: Call) -> Answer:
        """Delete a product."""
        async with self._directory.write(call.actor) as writing:
            found = await _find(writing, call)
            check_match(call, product_view(found))
            await products.delete(writing.writer, found)
        return Answer(None)


def product_view(product: Product) -> ProductView:
    """Return a product as callers see it."""
    return ProductView(
        id=product.id,
        name=product.name,
        display_name=product.display_name or product.name,
        description=product.description,
        price=product.price,
        currency=product.currency,
        image_url=product.image_url,
        inventory=product.inventory,
        sold_out=product.sold_out or product.inventory == 0,
        price_id=product.price_id,
        product_id=product.product_id,
        features=list(product.features),
        created_at=instant(product.created_at),
    )


def _product(asked: ProductValues, product_id: str, project: str, created_at: float) -> Product:
    return Product(
        id=product_id,
        project_id=project,
        name=asked.name,
        price=asked.price,
        currency=asked.currency,
        created_at=created_at,
        display_name=asked.display_name,
        description=asked.description,
        image_url=asked.image_url,
        inventory=asked.inventory,
        sold_out=asked.sold_out,
        features=tuple(asked.features),
        price_id=asked.price_id,
        product_id=asked.product_id,
    )


def _shown(product: Product) -> Answer:
    view = product_view(product)
    return Answer(view, headers=versioned(view))


async def _find(reading: Reading, call: Call) -> Product:
    project = call.known.project.id
    found = await products.by_id(reading.connection, project, call.parameters["id"])
    if found is None:
        raise NotFoundError("There is no such product.")
    return found


async def _check_name(reading: Reading, project: str, name: str, but: str | None) -> None:
    found = await products.of_project(reading.connection, project)
    if any(each.name == name and each.id != but for each in found):
        raise ConflictError("The project has a product of this name.")
