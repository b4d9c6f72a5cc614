"""Customers, and the cards they pay with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import fits, merge_metadata
from dream_gateway_stripe.testing.subscription import end

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World

FIELDS = ("name", "email", "description", "phone", "preferred_locales")


def create_customer(call: Call) -> JSON:
    """Make a customer."""
    wanted = call.params
    customer = call.object(
        "cus",
        "customer",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=wanted.get("description"),
        discount=None,
        email=wanted.get("email"),
        invoice_prefix=None,
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata=wanted.get("metadata", {}),
        name=wanted.get("name"),
        next_invoice_sequence=1,
        phone=wanted.get("phone"),
        preferred_locales=wanted.get("preferred_locales", []),
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    call.books.add(customer)
    call.world.happened(call.books, "customer.created", customer)
    return customer


def retrieve_customer(call: Call) -> JSON:
    """Show a customer, or that one was deleted."""
    if call.parts[0] in call.books.dropped:
        return {"id": call.parts[0], "object": "customer", "deleted": True}
    return call.books.get(call.parts[0], "customer")


def update_customer(call: Call) -> JSON:
    """Change a customer."""
    customer = call.books.get(call.parts[0], "customer")
    before = call.books.seen(customer)
    for name in FIELDS:
        if name in call.params:
            customer[name] = call.params[name] or None
    merge_metadata(customer, call.params.get("metadata"))
    call.world.updated(call.books, "customer.updated", customer, before)
    return customer


def delete_customer(call: Call) -> JSON:
    """Remove a customer, and end at once what they pay for."""
    customer = call.books.get(call.parts[0], "customer")
    remove(call.world, call.books, customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def remove(world: World, books: Books, customer: JSON) -> None:
    """Remove a customer, whoever asks for it."""
    for subscription in books.all("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] != "canceled":
            end(world, books, subscription)
    books.drop(customer["id"])
    world.happened(books, "customer.deleted", customer)


def list_customers(call: Call) -> JSON:
    """List customers."""
    wanted = call.wanted("email", "created")
    found = [each for each in call.books.all("customer") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/customers")


ROUTES: Routes = {
    ("post", "/v1/customers"): create_customer,
    ("get", "/v1/customers"): list_customers,
    ("get", "/v1/customers/{customer}"): retrieve_customer,
    ("post", "/v1/customers/{customer}"): update_customer,
    ("delete", "/v1/customers/{customer}"): delete_customer,
}
