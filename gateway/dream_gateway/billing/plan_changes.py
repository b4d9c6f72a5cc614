"""Changes what a customer pays for: another tier, now or at the period's end, or the same again.

No transaction is open while the provider is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.billing.access import UNPAID
from dream_gateway.billing.inbox import ACTOR
from dream_gateway.billing.mirror import subscribed
from dream_gateway.billing.money import Subscribed
from dream_gateway.billing.news import StaleError
from dream_gateway.billing.plans import Change, change_to
from dream_gateway.errors import ConflictError
from dream_gateway.model import Interval
from dream_gateway.payments import SubscriptionStatus, When
from dream_gateway.records import subscriptions as mirror

if TYPE_CHECKING:
    from dream_gateway.billing.subscriptions import Subscriptions
    from dream_gateway.model import Tier
    from dream_gateway.payments import Account, Billing, SubscriptionState
    from dream_gateway.records.database import Records
    from dream_gateway.records.prices import Price
    from dream_gateway.records.subscriptions import Mirrored


class PlanChanges:
    """Changes subscriptions that there are."""

    def __init__(self, provider: Billing, records: Records, subscriptions: Subscriptions) -> None:
        self._provider = provider
        self._records = records
        self._subscriptions = subscriptions

    async def change(
        self, account: Account, has: Mirrored, tier: Tier, offered: tuple[Price, ...]
    ) -> Change:
        """Put a subscription on the prices of a tier; return when that holds.

        Raises `ConflictError` for one that is not paid, or in another currency.
        """
        price = offered[0]
        if has.status in UNPAID:
            raise ConflictError("What the customer has is not paid: they can do so in the portal.")
        if has.currency != price.currency:
            raise ConflictError("A subscription cannot change to another currency.")
        change = change_to(subscribed(has), _subscribed(price), same_tier=has.plan == tier.name)
        ids = tuple(each.price_id for each in offered)
        if change is Change.KEPT and len(ids) > 1 and not has.metered:
            # It is from before the tier had a price for overage, or from the portal: now it has it.
            change, ids = Change.NOW, (has.price_id or ids[0], *ids[1:])
        if change is Change.KEPT:
            state = await self._keep(account, has)
        else:
            when = When.NOW if change is Change.NOW else When.PERIOD_END
            key = f"{has.subscription_id}/{has.version}/{when}/{'/'.join(ids)}"
            state = await self._provider.change_plan(account, has.subscription_id, ids, when, key)
        await self._take_note(account, state, has)
        return change

    async def _keep(self, account: Account, has: Mirrored) -> SubscriptionState | None:
        if has.cancel_at is None and has.scheduled_at is None:
            return None
        return await self._provider.keep_plan(account, has.subscription_id)

    async def _take_note(
        self, account: Account, state: SubscriptionState | None, has: Mirrored
    ) -> None:
        """Store what a subscription came to be, unless that is being done by who heard of it."""
        if state is None:
            return
        try:
            async with self._records.write(ACTOR) as writer:
                await self._subscriptions.store(account, state, has.version, writer)
        except StaleError:
            async with self._records.write(ACTOR) as writer:
                due = mirror.Due(account, has.subscription_id)
                await mirror.ask_again(writer, due, writer.now)


def _subscribed(price: Price) -> Subscribed:
    return Subscribed(
        amount=price.amount,
        currency=price.currency,
        interval=price.interval or Interval.MONTH,
        status=SubscriptionStatus.ACTIVE,
        created_at=0.0,
    )
