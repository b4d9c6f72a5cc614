"""`/dashboard/{project}/customers`: who calls the API, found by text, plan and status; also as CSV."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from dream_gateway.dashboard import entries, formats
from dream_gateway.dashboard.page import Page
from dream_gateway.dashboard.rendering import SAFETY
from dream_gateway.errors import GatewayError
from dream_gateway.model import Role
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records import customer_search, subscriptions, tiers
from dream_gateway.records.customer_search import (
    CANCELLING,
    NO_SUBSCRIPTION,
    SUSPENDED,
    Order,
    Wanted,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.model import Customer, Tier, Usage
    from dream_gateway.records.customer_search import Place
    from dream_gateway.records.subscriptions import Mirrored

PATH = "/dashboard/{project}/customers"
ON_A_PAGE = 50
EXPORTED_AT_ONCE = 500
STATUSES = (
    ("", "Any status"),
    (SUSPENDED, "Suspended"),
    (NO_SUBSCRIPTION, "No subscription"),
    (CANCELLING, "Cancelling"),
    *((each.value, each.value.replace("_", " ").capitalize()) for each in SubscriptionStatus),
)
ORDERS = (
    (Order.NEWEST, "Newest first"),
    (Order.OLDEST, "Oldest first"),
    (Order.NAME, "By name"),
    (Order.USAGE, "Most usage first"),
)
COLUMNS = (
    *("id", "external_id", "email", "first_name", "last_name", "plan", "used", "limit"),
    *("status", "renews_at", "cancels_at", "created_at", "suspended"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A customer, what they used of their quota, and their newest subscription."""

    customer: Customer
    usage: Usage | None
    subscription: Mirrored | None


class CustomerPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("GET", PATH + ".csv", self.export),
            Page("GET", PATH + "/new", self.show_new, least=Role.ADMIN),
            Page("POST", PATH + "/new", self.create, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show a page of those that are wanted."""
        wanted, at = _wanted(visit), _page_number(visit)
        project = visit.place.project
        async with self._desk.read() as connection:
            number = await customer_search.count(connection, project.id, wanted)
            at = min(at, max(1, -(-number // ON_A_PAGE)))
            span = ((at - 1) * ON_A_PAGE, at * ON_A_PAGE)
            found = await customer_search.page(connection, project.id, wanted, self._desk.now, span)
            offered = await tiers.of_project(connection, project.id)
            paying = await subscriptions.of_customers(connection, [each.id for each in found])
        usages = await self._usages(visit, offered, found)
        lines = [
            Line(each, usage, paying.get(each.id))
            for each, usage in zip(found, usages, strict=True)
        ]
        return self._desk.show(
            visit,
            "customers.html",
            wanted=wanted,
            number=number,
            span=(span[0] + 1, span[0] + len(lines)),
            lines=lines,
            plans=[("", "Any plan"), *((tier.name, tier.display_name) for tier in offered)],
            statuses=STATUSES,
            orders=ORDERS,
            before=_link(visit, wanted, at - 1) if at > 1 else "",
            after=_link(visit, wanted, at + 1) if span[1] < number else "",
            exported=_link(visit, wanted, 1, ".csv"),
        )

    async def export(self, visit: Visit) -> Response:
        """Give all that are wanted as CSV (RFC 4180)."""
        headers = {
            **SAFETY,
            "cache-control": "no-store",
            "content-disposition": 'attachment; filename="customers.csv"',
        }
        parts = self._exported(visit)
        # What goes wrong at the beginning is still an answer of its own.
        first = await anext(parts)
        return StreamingResponse(_chained(first, parts), headers=headers, media_type="text/csv")

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a customer."""
        async with self._desk.read() as connection:
            offered = await tiers.of_project(connection, visit.place.project.id)
        plans = [("", "The default"), *((tier.name, tier.display_name) for tier in offered)]
        return self._desk.show(visit, "new_customer.html", plans=plans)

    async def create(self, visit: Visit) -> Response:
        """Create a customer."""
        body = {
            "email": entries.text(visit, "email"),
            "externalId": entries.optional(visit, "externalId"),
            "firstName": entries.optional(visit, "firstName"),
            "lastName": entries.optional(visit, "lastName"),
            "plan": entries.optional(visit, "plan"),
        }
        try:
            done = await self._desk.act(visit, "POST", "/api/customers", body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show_new(visit)
        return self._desk.go(f"{visit.home}/customers/{done.value.customer.id}", "created")

    async def _usages(
        self, visit: Visit, offered: Sequence[Tier], found: Sequence[Customer]
    ) -> list[Usage | None]:
        by_name = {tier.name: tier for tier in offered}
        return await self._desk.gateway.admission.usages(visit.place.project, by_name, found)

    async def _exported(self, visit: Visit) -> AsyncIterator[str]:
        """Yield the text in parts, each read in a transaction of its own."""
        wanted, project = _wanted(visit), visit.place.project
        heading, now = _csv([COLUMNS]), self._desk.now
        after: Place | None = None
        while True:
            async with self._desk.read() as connection:
                placed = await customer_search.following(
                    connection, project.id, wanted, now, after=after, limit=EXPORTED_AT_ONCE
                )
                found = [customer for customer, _ in placed]
                offered = await tiers.of_project(connection, project.id)
                paying = await subscriptions.of_customers(connection, [each.id for each in found])
            usages = await self._usages(visit, offered, found)
            yield heading + _csv(
                _cells(Line(each, usage, paying.get(each.id)))
                for each, usage in zip(found, usages, strict=True)
            )
            if len(found) < EXPORTED_AT_ONCE:
                return
            heading, after = "", placed[-1][1]


async def _chained(first: str, parts: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for part in parts:
        yield part


def _wanted(visit: Visit) -> Wanted:
    asked = visit.query.get
    order = asked("order", "")
    return Wanted(
        text=asked("q", "").strip(),
        plan=asked("plan", ""),
        status=asked("status", ""),
        order=Order(order) if order in set(Order) else Order.NEWEST,
    )


def _page_number(visit: Visit) -> int:
    entered = visit.query.get("page", "1")
    is_number = entered.isascii() and entered.isdigit() and len(entered) < 7
    return max(1, int(entered)) if is_number else 1


def _link(visit: Visit, wanted: Wanted, page: int, ending: str = "") -> str:
    pairs = {
        "q": wanted.text,
        "plan": wanted.plan,
        "status": wanted.status,
        "order": "" if wanted.order is Order.NEWEST else wanted.order.value,
        "page": "" if page == 1 else str(page),
    }
    query = urlencode({name: value for name, value in pairs.items() if value})
    path = f"{visit.home}/customers{ending}"
    return f"{path}?{query}" if query else path


def _cells(line: Line) -> tuple[object, ...]:
    customer, usage, paid = line.customer, line.usage, line.subscription
    ends = None if paid is None else paid.cancel_at
    renews = None if paid is None or ends is not None else paid.period_end
    texts = (
        *(customer.id, customer.external_id, customer.email, customer.first_name),
        *(customer.last_name, customer.plan),
    )
    return (
        *(_harmless(each or "") for each in texts),
        0 if usage is None else usage.used,
        "unlimited" if usage is None or usage.limit is None else usage.limit,
        NO_SUBSCRIPTION if paid is None else paid.status.value,
        "" if renews is None else formats.iso(renews),
        "" if ends is None else formats.iso(ends),
        formats.iso(customer.created_at),
        "yes" if customer.suspended else "no",
    )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv(rows: Iterable[Iterable[object]]) -> str:
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
