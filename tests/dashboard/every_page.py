"""Every page that is shown, its address in a project with a crowd, and how many queries it may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from dream_gateway.model import KeyKind
from dream_gateway.records.schema import api_keys, end_users, products

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MOST_BYTES, MOST_SECONDS = 100_000, 0.150
"""What crosses the wire, and what the server takes."""


class Shown(NamedTuple):
    """A page's address, with names for ids (see `places`), and the most queries it is made by.

    Of a developer's page, three are about who comes and where they are.
    """

    path: str
    queries: int


HOME = "/dashboard/{project}"
CUSTOMER = HOME + "/customers/{customer}"
PAGES = {
    "overview": Shown(HOME, 11),
    "overview-day": Shown(HOME + "?span=day", 11),
    "overview-year": Shown(HOME + "?span=year", 11),
    "start": Shown(HOME + "/start", 4),
    "customers": Shown(HOME + "/customers", 7),
    "customers-used": Shown(HOME + "/customers?order=usage", 7),
    "customers-found": Shown(HOME + "/customers?order=usage&plan=pro&q=user", 7),
    "new-customer": Shown(HOME + "/customers/new", 4),
    "customer": Shown(CUSTOMER, 9),
    "customer-year": Shown(CUSTOMER + "?span=year", 9),
    "new-customer-key": Shown(CUSTOMER + "/keys/new", 4),
    "rotate-customer-key": Shown(CUSTOMER + "/keys/{key}", 4),
    "keys": Shown(HOME + "/keys", 4),
    "new-key": Shown(HOME + "/keys/new", 3),
    "rotate-key": Shown(HOME + "/keys/{own_key}", 4),
    "tiers": Shown(HOME + "/tiers", 5),
    "new-tier": Shown(HOME + "/tiers/new", 3),
    "tier": Shown(HOME + "/tiers/edit/pro", 8),
    "products": Shown(HOME + "/products", 4),
    "new-product": Shown(HOME + "/products/new", 3),
    "product": Shown(HOME + "/products/{product}", 9),
    "orders": Shown(HOME + "/orders", 6),
    "webhooks": Shown(HOME + "/webhooks", 7),
    "team": Shown(HOME + "/team", 4),
    "appearance": Shown(HOME + "/appearance", 6),
    "audit": Shown(HOME + "/audit", 5),
    "payments": Shown(HOME + "/payments", 5),
    "plan": Shown(HOME + "/plan", 7),
    "new": Shown("/dashboard/new", 3),
    "operator": Shown("/operator", 7),
}
OUTSIDE = {
    "sign-in": Shown("/dashboard/sign-in", 0),
    "operator-sign-in": Shown("/operator/sign-in", 0),
}
"""What those see who are not signed in."""

NO_PAGES = frozenset(
    {
        *("/dashboard", "/dashboard/link", "/dashboard/signed-in/{name}"),
        *("/dashboard/sign-in/{name}", HOME + "/live", HOME + "/customers.csv"),
    }
)
"""What answers with something else: a way to a page, events, a file."""


async def places(connection: AsyncConnection, project: str) -> dict[str, str]:
    """Return what the names in the addresses stand for, in a project that has a crowd."""
    key, user, product = api_keys.c, end_users.c, products.c
    here = select(user.id).where(user.project_id == project, user.plan == "pro").limit(1)
    customer = (await connection.execute(here)).scalar_one()
    queries = {
        "key": select(key.id).where(key.customer_id == customer),
        "own_key": select(key.id).where(key.project_id == project, key.kind == KeyKind.SECRET),
        "product": select(product.id).where(product.project_id == project),
    }
    found = {
        name: str((await connection.execute(query.limit(1))).scalar_one())
        for name, query in queries.items()
    }
    return {"project": project, "customer": customer, **found}
