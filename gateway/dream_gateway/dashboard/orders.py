"""`/dashboard/{project}/orders`: what was bought, paid and sent back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.dashboard.page import Page
from dream_gateway.records import customers, orders
from dream_gateway.service.paging import cut, decode_position

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/orders"
ON_A_PAGE = 50


class OrderPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (Page("GET", PATH, self.show),)

    async def show(self, visit: Visit) -> Response:
        """Show a page of orders, newest first."""
        project, before = visit.place.project.id, decode_position(visit.query.get("cursor") or None)
        async with self._desk.read() as connection:
            found = await orders.page(connection, project, before, ON_A_PAGE + 1)
            page, cursor = cut(found, ON_A_PAGE, lambda order: str(order.position))
            ids = [each.customer_id for each in page if each.customer_id is not None]
            buyers = await customers.by_ids(connection, project, ids)
        after = f"{visit.home}/orders?{urlencode({'cursor': cursor})}" if cursor else ""
        first = f"{visit.home}/orders" if before is not None else ""
        return self._desk.show(
            visit, "orders.html", orders=page, buyers=buyers, before=first, after=after
        )
