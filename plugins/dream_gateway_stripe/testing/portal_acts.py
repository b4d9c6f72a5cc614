"""What a customer may do in the portal, as its configuration has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.call import Call
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.phases import plan_phase
from dream_gateway_stripe.testing.plan_changes import change_items
from dream_gateway_stripe.testing.schedules import attach, release
from dream_gateway_stripe.testing.subscription import OVER, end, is_licensed, items, period_end

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.world import World

LENGTHS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY}


@dataclass(frozen=True, slots=True)
class Portal:
    """One customer's portal."""

    world: World
    books: Books
    session: JSON

    @property
    def features(self) -> JSON:
        """What the configuration allows."""
        id_ = self.session["configuration"]
        features: JSON = self.books.get(id_, "billing_portal.configuration")["features"]
        return features

    @property
    def subscriptions(self) -> list[JSON]:
        """What the customer pays for."""
        return [
            each
            for each in self.books.all("subscription")
            if each["customer"] == self.session["customer"] and each["status"] not in OVER
        ]

    @property
    def prices(self) -> list[JSON]:
        """The prices that a customer may change to."""
        update = self.features["subscription_update"]
        if not update["enabled"] or "price" not in update["default_allowed_updates"]:
            return []
        return [
            self.books.get(price, "price")
            for product in update["products"] or []
            for price in product["prices"]
        ]

    def subscription(self, id_: str) -> JSON:
        """Return one of the customer's subscriptions. Raises the refusal of any other."""
        for each in self.subscriptions:
            if each["id"] == id_:
                return each
        raise StripeFault("This subscription is not yours.", status=404)

    def cancel(self, id_: str) -> None:
        """Have it end: at once, or with what is paid already, as is configured."""
        self._require("subscription_cancel")
        subscription = self.subscription(id_)
        before = self.books.seen(subscription)
        self._drop_schedule(subscription)
        if self.features["subscription_cancel"]["mode"] == "immediately":
            end(self.world, self.books, subscription)
            return
        # The portal decides an instant; it leaves `cancel_at_period_end` as it is.
        subscription |= {"cancel_at": period_end(subscription), "canceled_at": self.world.now}
        subscription["cancellation_details"]["reason"] = "cancellation_requested"
        self._tell(subscription, before)

    def keep(self, id_: str) -> None:
        """Have it not end after all."""
        self._require("subscription_cancel")
        subscription = self.subscription(id_)
        before = self.books.seen(subscription)
        subscription |= {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None}
        subscription["cancellation_details"]["reason"] = None
        self._tell(subscription, before)

    def change(self, id_: str, price_id: str) -> None:
        """Change to another price: now, or at the period's end if a condition asks for that."""
        self._require("subscription_update")
        subscription = self.subscription(id_)
        price = next((each for each in self.prices if each["id"] == price_id), None)
        if price is None:
            raise StripeFault("This price is not on offer.", param="price")
        before = self.books.seen(subscription)
        self._drop_schedule(subscription)
        item = next(each for each in items(subscription) if is_licensed(each))
        if self._waits(item, price):
            schedule = attach(Call(self.world, self.books, {}), subscription, {})
            plan_phase(self.world, self.books, schedule, [(item["id"], price["id"])])
            return
        update = self.features["subscription_update"]
        wanted = [{"id": item["id"], "price": price["id"]}]
        proration = update["proration_behavior"]
        change_items(self.world, self.books, subscription, wanted, proration=proration)
        self._tell(subscription, before)

    def _waits(self, item: JSON, price: JSON) -> bool:
        asked = self.features["subscription_update"]["schedule_at_period_end"]["conditions"]
        met = {
            "decreasing_item_amount": price["unit_amount"] < item["price"]["unit_amount"],
            "shortening_interval": _length(price) < _length(item["price"]),
        }
        return any(met[each["type"]] for each in asked)

    def _drop_schedule(self, subscription: JSON) -> None:
        schedule = self.books.find(subscription["schedule"], "subscription_schedule")
        if schedule is not None:
            release(self.world, self.books, schedule, subscription)

    def _require(self, feature: str) -> None:
        if not self.features[feature]["enabled"]:
            raise StripeFault(f"{feature} is not enabled.")

    def _tell(self, subscription: JSON, before: JSON) -> None:
        kind = "customer.subscription.updated"
        self.world.updated(self.books, kind, subscription, before)


def _length(price: JSON) -> int:
    recurring = price["recurring"]
    return LENGTHS[recurring["interval"]] * int(recurring["interval_count"])
