"""What customers subscribed to, and how that is changed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError
from dream_gateway.payments import SubscriptionStatus, When
from dream_gateway_stripe.desk import PAGE, Asking, once
from dream_gateway_stripe.phases import phases
from dream_gateway_stripe.shapes import Price, Schedule, Subscription
from dream_gateway_stripe.states import RUNNING, ordered, subscription_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stripe.params import (
        SubscriptionUpdateParams,
        SubscriptionUpdateParamsItem,
    )

    from dream_gateway.payments import Account, SubscriptionState

OVER = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
"""What nothing follows."""


class Subscriptions(Asking):
    """Each change first reads the subscription, so that asking again finds it done."""

    async def subscription(
        self, account: Account, subscription_id: str
    ) -> SubscriptionState | None:
        """Return a subscription, `None` if there is none of that id."""
        found = await self._find(account, subscription_id)
        return None if found is None else subscription_state(found)

    async def subscriptions_of(
        self, account: Account, customer_id: str
    ) -> Sequence[SubscriptionState]:
        """Return all of a customer's, those that ended too, newest first."""
        found = await self._desk.every(
            account,
            Subscription,
            lambda client, options: client.v1.subscriptions.list_async(
                {
                    "customer": customer_id,
                    "status": "all",
                    "limit": PAGE,
                    "expand": ["data.schedule"],
                },
                options,
            ),
        )
        return [subscription_state(each) for each in found]

    async def change_plan(
        self,
        account: Account,
        subscription_id: str,
        price_ids: tuple[str, ...],
        when: When,
        key: str,
    ) -> SubscriptionState:
        """Put a subscription on other prices, the licensed one first.

        Now: what is left of the old price is set off, the rest is paid at once, and if it is not,
        nothing changes, what was scheduled neither. With the next period: a schedule does it, and
        then lets go.
        """
        found = await self._running(account, subscription_id)
        same = [item.price.id for item in ordered(found.items.data)] == list(price_ids)
        if when is When.NOW and not same:
            found = await self._change(account, found, price_ids, key)
        found = await self._kept(account, found)
        if when is When.PERIOD_END and not same:
            await self._schedule(account, found, price_ids)
            found = await self._running(account, subscription_id)
        return subscription_state(found)

    async def keep_plan(self, account: Account, subscription_id: str) -> SubscriptionState:
        """Drop what is scheduled, an end included: it goes on as it is."""
        found = await self._running(account, subscription_id)
        return subscription_state(await self._kept(account, found))

    async def cancel(self, account: Account, subscription_id: str, when: When) -> SubscriptionState:
        """End a subscription; one that ended is no failure."""
        found = await self._there(account, subscription_id)
        if found.status in OVER:
            return subscription_state(found)
        if when is When.NOW:
            ended = await self._desk.ask(
                account,
                Subscription,
                lambda client, options: client.v1.subscriptions.cancel_async(
                    subscription_id, {"expand": ["schedule"]}, options
                ),
            )
            return subscription_state(ended)
        if found.cancel_at is None and not found.cancel_at_period_end:
            await self._release(account, found)
            found = await self._update(account, found, {"cancel_at_period_end": True})
        return subscription_state(found)

    async def _find(self, account: Account, subscription_id: str) -> Subscription | None:
        return await self._desk.find(
            account,
            Subscription,
            lambda client, options: client.v1.subscriptions.retrieve_async(
                subscription_id, {"expand": ["schedule"]}, options
            ),
        )

    async def _there(self, account: Account, subscription_id: str) -> Subscription:
        found = await self._find(account, subscription_id)
        if found is None:
            raise ConflictError("The payment provider has no such subscription.")
        return found

    async def _running(self, account: Account, subscription_id: str) -> Subscription:
        found = await self._there(account, subscription_id)
        if found.status in OVER:
            raise ConflictError("The subscription has ended.")
        return found

    async def _kept(self, account: Account, found: Subscription) -> Subscription:
        """Return a subscription that nothing is scheduled for any more."""
        released = await self._release(account, found)
        if params := _endless(found):
            return await self._update(account, found, params)
        return await self._there(account, found.id) if released else found

    async def _release(self, account: Account, found: Subscription) -> bool:
        """Part a subscription from its schedule; return whether it had one."""
        schedule = found.schedule
        if schedule is None or not _managed(found):
            return False
        await self._desk.ask(
            account,
            Schedule,
            lambda client, options: client.v1.subscription_schedules.release_async(
                schedule.id, None, options
            ),
        )
        return True

    async def _change(
        self, account: Account, found: Subscription, price_ids: tuple[str, ...], key: str
    ) -> Subscription:
        first, *metered = price_ids
        old, *others = ordered(found.items.data)
        had = {item.price.id for item in others}
        items: list[SubscriptionUpdateParamsItem] = [{"id": old.id, "price": first}]
        items += [{"id": o.id, "deleted": True} for o in others if o.price.id not in metered]
        items += [{"price": new} for new in metered if new not in had]
        params: SubscriptionUpdateParams = {
            "items": items,
            "proration_behavior": "always_invoice",
            "payment_behavior": "error_if_incomplete",
        }
        if not _managed(found):
            # What a schedule manages is not told when to end; that is put right once it is parted.
            params |= _endless(found)
        return await self._update(account, found, params, once(key, found.id, params))

    async def _schedule(
        self, account: Account, found: Subscription, price_ids: tuple[str, ...]
    ) -> None:
        price = await self._desk.ask(
            account,
            Price,
            lambda client, options: client.v1.prices.retrieve_async(price_ids[0], None, options),
        )
        schedule = await self._desk.ask(
            account,
            Schedule,
            lambda client, options: client.v1.subscription_schedules.create_async(
                {"from_subscription": found.id}, options
            ),
        )
        await self._desk.ask(
            account,
            Schedule,
            lambda client, options: client.v1.subscription_schedules.update_async(
                schedule.id,
                {
                    "end_behavior": "release",
                    "proration_behavior": "none",
                    "phases": phases(schedule, found, price, price_ids[1:]),
                },
                options,
            ),
        )

    async def _update(
        self,
        account: Account,
        found: Subscription,
        params: SubscriptionUpdateParams,
        key: str = "",
    ) -> Subscription:
        params["expand"] = ["schedule"]
        return await self._desk.ask(
            account,
            Subscription,
            lambda client, options: client.v1.subscriptions.update_async(found.id, params, options),
            key,
        )


def _managed(found: Subscription) -> bool:
    """Return whether a schedule decides what becomes of a subscription."""
    return found.schedule is not None and found.schedule.status in RUNNING


def _endless(found: Subscription) -> SubscriptionUpdateParams:
    """Return what has a subscription go on; nothing, if it does."""
    if found.cancel_at_period_end:
        return {"cancel_at_period_end": False}
    return {} if found.cancel_at is None else {"cancel_at": ""}
