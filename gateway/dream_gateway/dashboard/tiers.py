"""`/dashboard/{project}/tiers`: what customers can be on, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.entries import decimal
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import BILLING_INTERVALS, Interval, Role
from dream_gateway.records import customer_search, tiers

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.service.catalogue_shapes import TierView

PATH = "/dashboard/{project}/tiers"
# Apart from `/new`, which may be a tier's name.
ONE = PATH + "/edit/{tier}"
API = "/api/tiers/{name}"
NAMES = {
    "rate/limit": "rateLimit",
    "rate/interval": "rateInterval",
    "rate/burst": "rateBurst",
    "rate": "rateLimit",
    "overage/price": "overagePrice",
    "overage/per": "overagePer",
    "overage": "overagePrice",
}
RATES = ("second", "minute", "hour", "day")
EMPTY: dict[str, Any] = {
    "currency": "usd",
    "interval": "month",
    "billingInterval": "month",
    "rateInterval": "second",
    "popular": False,
}


class TierPages:
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
            Page("POST", ONE + "/delete", self.remove, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show every tier, and how many are on it."""
        async with self._desk.read() as connection:
            found = await tiers.of_project(connection, visit.place.project.id)
            on_it = await customer_search.on_plans(connection, visit.place.project.id)
        default = visit.place.project.default_tier
        return self._desk.show(visit, "tiers.html", tiers=found, on_it=on_it, default=default)

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a tier."""
        return self._form(visit, EMPTY, "")

    async def create(self, visit: Visit) -> Response:
        """Create a tier."""
        body = {"name": entries.text(visit, "name"), **_body(visit)}
        if visit.errors:
            return await self.show_new(visit)
        try:
            await self._desk.act(visit, "POST", "/api/tiers", body=body, once=True)
        except GatewayError as error:
            self._desk.refused(visit, error, NAMES)
            return await self.show_new(visit)
        return self._desk.go(f"{visit.home}/tiers", "created")

    async def show_one(self, visit: Visit) -> Response:
        """Show the form with a tier's values."""
        done = await self._desk.act(visit, "GET", API, {"name": visit.parameters["tier"]})
        return self._form(visit, _entered(done.value), done.version or "")

    async def replace(self, visit: Visit) -> Response:
        """Put new values in the place of a tier's, unless somebody else did since the form was shown."""
        here, body = {"name": visit.parameters["tier"]}, _body(visit)
        version = visit.value("version") or None
        if visit.errors:
            return await self.show_one(visit)
        try:
            await self._desk.act(visit, "PUT", API, here, body=body, version=version)
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error, NAMES)
            return await self.show_one(visit)
        return self._desk.go(f"{visit.home}/tiers", "saved")

    async def remove(self, visit: Visit) -> Response:
        """Remove a tier that nobody is on."""
        try:
            await self._desk.act(visit, "DELETE", API, {"name": visit.parameters["tier"]})
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            visit.form = []
            return await self.show_one(visit)
        return self._desk.go(f"{visit.home}/tiers", "deleted")

    def _form(self, visit: Visit, values: dict[str, Any], version: str) -> Response:
        return self._desk.show(
            visit,
            "tier.html",
            values=values,
            version=version,
            intervals=[("", "not counted"), *((each, f"per {each}") for each in Interval)],
            billing=[(each, f"per {each}") for each in BILLING_INTERVALS],
            rates=[(each, f"per {each}") for each in RATES],
        )


def _body(visit: Visit) -> dict[str, object]:
    currency = entries.text(visit, "currency").lower()
    limit, rate = entries.whole(visit, "limit"), entries.whole(visit, "rateLimit")
    overage = entries.amount(visit, "overagePrice", currency)
    burst, per = entries.whole(visit, "rateBurst"), entries.whole(visit, "overagePer")
    interval = visit.value("rateInterval", "second")
    return {
        "displayName": entries.text(visit, "displayName"),
        "price": entries.amount(visit, "price", currency) or 0,
        "currency": currency,
        "billingInterval": visit.value("billingInterval", "month"),
        "limit": "unlimited" if limit is None else limit,
        "interval": entries.optional(visit, "interval"),
        "rate": None if rate is None else {"limit": rate, "interval": interval, "burst": burst},
        "features": entries.lines(visit, "features"),
        "popular": bool(visit.value("popular")),
        "trialDays": entries.whole(visit, "trialDays") or 0,
        "overage": None
        if overage is None
        else {"price": overage, "per": 1 if per is None else per},
        "priceId": entries.optional(visit, "priceId"),
        "productId": entries.optional(visit, "productId"),
    }


def _entered(tier: TierView) -> dict[str, Any]:
    rate, overage, currency = tier.rate, tier.overage, tier.currency
    return {
        "displayName": tier.display_name,
        "price": decimal(tier.price, currency),
        "currency": currency,
        "billingInterval": tier.billing_interval,
        "limit": "" if tier.limit == "unlimited" else tier.limit,
        "interval": tier.interval or "",
        "rateLimit": "" if rate is None else rate.limit,
        "rateInterval": "second" if rate is None else rate.interval,
        "rateBurst": "" if rate is None or rate.burst is None else rate.burst,
        "features": "\n".join(tier.features),
        "popular": tier.popular,
        "trialDays": tier.trial_days,
        "overagePrice": "" if overage is None else decimal(overage.price, currency),
        "overagePer": "" if overage is None else overage.per,
        "priceId": tier.price_id or "",
        "productId": tier.product_id or "",
    }
