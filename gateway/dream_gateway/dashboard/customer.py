"""`/dashboard/{project}/customers/{customer}`: one customer, their usage, keys and subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dream_gateway.dashboard import charts, entries, spans
from dream_gateway.dashboard.charts import Series
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import audit, credentials, customers, rollups, subscriptions, tiers
from dream_gateway.records.audit import Wanted
from dream_gateway.series import Granularity, start_of
from dream_gateway.service.paging import cut, decode_cursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.spans import Span
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.records.rollups import CustomerUse

PATH = "/dashboard/{project}/customers/{customer}"
ONE = "/api/customers/{id}"
KEYS_ON_A_PAGE = 20
MOST_EVENTS = 20
KINDS = ("month", "quarter", "year")
"""Customers' usage is kept by the day."""


class OneCustomerPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH, self.change, least=Role.ADMIN),
            Page("POST", PATH + "/suspend", self.suspend, least=Role.ADMIN),
            Page("POST", PATH + "/resume", self.resume, least=Role.ADMIN),
            Page("POST", PATH + "/delete", self.delete, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the customer."""
        name = visit.query.get("span", "")
        span = spans.span(name if name in KINDS else "quarter", self._desk.now)
        project, customer_id = visit.place.project, visit.parameters["customer"]
        after = decode_cursor(visit.query.get("keys") or None)
        async with self._desk.read() as connection:
            customer = await customers.by_id(connection, project.id, customer_id)
            if customer is None:
                raise NotFoundError("There is no such customer.")
            offered = await tiers.of_project(connection, project.id)
            used = await rollups.of_customer(
                connection, project.id, customer.id, Granularity.DAY, span.bounds
            )
            found = await credentials.of_customer(
                connection, customer.id, after, KEYS_ON_A_PAGE + 1, newest=True
            )
            paid = await subscriptions.of_customer(connection, customer.id)
            about = Wanted(project=project.id, object=customer.id)
            events = await audit.page(connection, about, None, MOST_EVENTS)
        by_name = {tier.name: tier for tier in offered}
        (usage,) = await self._desk.gateway.admission.usages(project, by_name, [customer])
        units, denied = _summed(span, used)
        keys, cursor = cut(found, KEYS_ON_A_PAGE, lambda key: key.id)
        here = f"{visit.home}/customers/{customer.id}"
        return self._desk.show(
            visit,
            "customer.html",
            customer=customer,
            offered=[(tier.name, tier.display_name or tier.name) for tier in offered],
            usage=usage,
            keys=keys,
            newest_keys=f"{here}#keys" if after is not None else "",
            older_keys=f"{here}?{urlencode({'keys': cursor})}#keys" if cursor else "",
            subscriptions=paid,
            events=events,
            span=span,
            kinds={each: spans.KINDS[each] for each in KINDS},
            history=charts.columns("Usage", "units and requests", span.labels, [units, denied]),
        )

    async def change(self, visit: Visit) -> Response:
        """Change what is known of the customer, or their plan."""
        body = {
            name: entries.optional(visit, name)
            for name in ("email", "firstName", "lastName", "plan")
            if any(key == name for key, _ in visit.form)
        }
        return await self._patch(visit, body, "saved")

    async def suspend(self, visit: Visit) -> Response:
        """Have the customer refused."""
        return await self._patch(visit, {"suspended": True}, "customer-suspended")

    async def resume(self, visit: Visit) -> Response:
        """Let the customer in again."""
        return await self._patch(visit, {"suspended": False}, "customer-resumed")

    async def _patch(self, visit: Visit, body: dict[str, Any], done: str) -> Response:
        here = {"id": visit.parameters["customer"]}
        try:
            await self._desk.act(visit, "PATCH", ONE, here, body=body)
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/customers/{here['id']}", done)

    async def delete(self, visit: Visit) -> Response:
        """Delete the customer."""
        here = {"id": visit.parameters["customer"]}
        try:
            await self._desk.act(visit, "DELETE", ONE, here)
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/customers", "deleted")


def _summed(span: Span, used: Sequence[CustomerUse]) -> tuple[Series, Series]:
    units, denied = dict.fromkeys(span.begins, 0), dict.fromkeys(span.begins, 0)
    for each in used:
        at = start_of(span.kind.shown, each.start)
        if at in units:
            units[at] += each.used.units
            denied[at] += each.used.denied
    return (
        Series("Units", "first", tuple(units.values())),
        Series("Requests denied", "second", tuple(denied.values())),
    )
