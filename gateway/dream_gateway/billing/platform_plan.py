"""The operator's own plan: what platforms pay, and what becomes of those that do not.

A platform is served for a grace before it has to pay, and after it ceased to. Then its keys are
refused like those of a suspended one, until it pays. No transaction is open while the provider is asked.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from dream_gateway.billing import ACTOR
from dream_gateway.billing.access import BEGINNING, ENDED
from dream_gateway.billing.news import Owner, StaleError
from dream_gateway.billing.platform_standing import PAID, is_paid, is_refused, judged, mirrored
from dream_gateway.errors import BillingNotConfiguredError, ConflictError, GatewayError
from dream_gateway.model import Interval
from dream_gateway.payments import (
    About,
    CatalogueItem,
    CheckoutOrder,
    CheckoutStatus,
    Payer,
)
from dream_gateway.records import platform_plans, platforms
from dream_gateway.records.platform_plans import PlatformPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.billing.news import Effect, News
    from dream_gateway.clock import Clock
    from dream_gateway.model import Platform
    from dream_gateway.payments import Billing, CheckoutSession, SubscriptionState
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.settings import Settings

logger = logging.getLogger(__name__)

REF, NAME = "platform-plan", "Platform plan"
AT_ONCE = 50
LEASE_SECONDS = 120.0
ASK_SECONDS = 120.0
"""How long after a checkout was opened it is asked what became of it, without any news."""

ASK_TIMEOUT_SECONDS = 30.0
CHANGES = "What the platform pays changes right now: try again."


class PlatformPlans:
    """Sells the plan, and sees to it that it is paid. Many workers and nodes may run it at once."""

    def __init__(
        self, provider: Billing, records: Records, clock: Clock, settings: Settings
    ) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock
        self._settings = settings
        self._price: str | None = provider.plan_price_id
        self.is_sold = settings.platform_plan or self._price is not None
        """Whether platforms have to pay."""

    @property
    def frontend_url(self) -> str | None:
        """Where developers come back to from the provider, unless they say where."""
        return self._provider.frontend_url

    def is_paid(self, plan: PlatformPlan) -> bool:
        """Return whether a platform pays right now."""
        return is_paid(plan, self._clock.now())

    async def begin(
        self, platform: Platform, email: str | None, success_url: str, cancel_url: str
    ) -> CheckoutSession:
        """Open a page where a platform's plan is paid: the same one for the same wish.

        Raises `BillingNotConfiguredError` if nothing is to be paid, `ConflictError` if it is paid, or
        can be in the portal, and `BillingUnavailableError`.
        """
        plan = await self._truth(await self._paying(platform, email))
        if plan.status is not None and plan.status not in ENDED | BEGINNING:
            where = "The plan is paid." if plan.status in PAID else "What is owed is paid"
            raise ConflictError(f"{where} See the billing portal.")
        order = await self._order(plan, success_url, cancel_url)
        session = await self._provider.checkout(self._provider.operator_account, order)
        async with self._records.write(ACTOR) as writer:
            found = await platform_plans.find(writer.connection, platform.id) or plan
            is_first = found.session_id in {plan.session_id, session.id}
            if is_first:
                own = replace(found, session_id=session.id, session_key=order.key)
                own = replace(own, ask_at=writer.now + ASK_SECONDS)
                await platform_plans.put(writer, own)
        if not is_first:
            await self._provider.expire(self._provider.operator_account, session.id)
            raise ConflictError(CHANGES)
        return session

    async def portal(self, platform: Platform, return_url: str) -> str:
        """Return the URL of the page where a platform sees and changes what it pays.

        Raises `ConflictError` for one that never did, and what `begin` does.
        """
        self._check_sold()
        plan = await self.plan(platform)
        if plan.payer_id is None:
            raise ConflictError("The platform has not paid for anything yet.")
        account = self._provider.operator_account
        return await self._provider.portal(account, plan.payer_id, return_url)

    async def plan(self, platform: Platform) -> PlatformPlan:
        """Return what a platform pays, as it is known here."""
        async with self._records.read() as connection:
            found = await platform_plans.find(connection, platform.id)
        return found or PlatformPlan(platform.id)

    async def news(self, news: News) -> Effect | None:
        """Ask what a platform pays of which something is new; `None` if it is no platform's."""
        account = self._provider.operator_account
        if news.account != account:
            return None
        if news.about is About.CHECKOUT:
            checkout = await self._provider.checkout_state(account, news.ref)
            payer = None if checkout is None else checkout.customer_id
        else:
            subscription = await self._provider.subscription(account, news.ref)
            payer = None if subscription is None else subscription.customer_id
        if payer is None:
            return None
        async with self._records.read() as connection:
            plan = await platform_plans.of_payer(connection, payer)
        return None if plan is None else await self._asked(plan)

    async def step(self) -> bool:
        """Look at some platforms that are due; return whether there may be more."""
        if not self.is_sold:
            return await self._release()
        enrolled = await self._enrol()
        async with self._records.read() as connection:
            if not await platform_plans.due(connection, self._clock.now(), 1):
                return enrolled
        async with self._records.write(ACTOR) as writer:
            taken = await platform_plans.take_due(writer, AT_ONCE, LEASE_SECONDS)
        for each in taken:
            await self._look_at(each)
        return bool(taken)

    async def _look_at(self, plan: PlatformPlan) -> None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                effect = await self._asked(plan)
            async with self._records.write(ACTOR) as writer:
                await effect(writer)
        except StaleError:
            logger.info("What %s pays changed while it was asked for.", plan.platform_id)
        except (GatewayError, TimeoutError) as exc:
            # Nobody is refused whose provider cannot be asked. It is asked again after the lease.
            logger.warning("What %s pays cannot be asked for: %s", plan.platform_id, exc)

    async def _asked(self, plan: PlatformPlan) -> Effect:
        states: Sequence[SubscriptionState] = ()
        if plan.payer_id is not None:
            account = self._provider.operator_account
            states = await self._provider.subscriptions_of(account, plan.payer_id)
        return partial(self._apply, plan, states)

    async def _apply(
        self, seen: PlatformPlan, states: Sequence[SubscriptionState], writer: Writer
    ) -> Owner:
        await _unchanged(writer, seen)
        await self._put(writer, mirrored(seen, states))
        return Owner(seen.platform_id)

    async def _put(self, writer: Writer, plan: PlatformPlan) -> PlatformPlan:
        """Store what a platform pays, and refuse or serve it accordingly."""
        plan = judged(plan, writer.now, self._settings.platform_grace_days)
        plan = await platform_plans.put(writer, plan)
        platform = await platforms.find(writer.connection, plan.platform_id)
        refused = is_refused(plan, writer.now)
        if platform is not None and platform.unpaid is not refused:
            await platforms.set_unpaid(writer, platform, unpaid=refused)
        return plan

    async def _enrol(self) -> bool:
        """Begin the grace of platforms that are new."""
        async with self._records.read() as connection:
            if not await platform_plans.strangers(connection, 1):
                return False
        async with self._records.write(ACTOR) as writer:
            for each in await platform_plans.strangers(writer.connection, AT_ONCE):
                await self._put(writer, PlatformPlan(each.id))
        return True

    async def _release(self) -> bool:
        """Serve platforms that did not pay when they had to, now that they have not."""
        async with self._records.read() as connection:
            if not await platform_plans.unpaid(connection, 1):
                return False
        async with self._records.write(ACTOR) as writer:
            for each in await platform_plans.unpaid(writer.connection, AT_ONCE):
                await platforms.set_unpaid(writer, each, unpaid=False)
                plan = await platform_plans.find(writer.connection, each.id)
                if plan is not None:
                    await platform_plans.put(writer, replace(plan, grace_until=None, ask_at=0.0))
        return True

    async def _paying(self, platform: Platform, email: str | None) -> PlatformPlan:
        """Return what a platform pays, who is a customer of the provider's from now on."""
        self._check_sold()
        plan = await self.plan(platform)
        if plan.payer_id is not None:
            return plan
        account = self._provider.operator_account
        payer = Payer(platform.id, email, platform.name, {"platform": platform.id})
        payer_id = await self._provider.customer(account, payer)
        async with self._records.write(ACTOR) as writer:
            found = await platform_plans.find(writer.connection, platform.id)
            plan = found or PlatformPlan(platform.id)
            if plan.payer_id is None:
                plan = await self._put(writer, replace(plan, payer_id=payer_id))
        return plan

    async def _truth(self, plan: PlatformPlan) -> PlatformPlan:
        """Return what a platform pays as the provider has it right now."""
        account = self._provider.operator_account
        states = await self._provider.subscriptions_of(account, plan.payer_id or "")
        try:
            async with self._records.write(ACTOR) as writer:
                await _unchanged(writer, plan)
                return await self._put(writer, mirrored(plan, states))
        except StaleError as exc:
            raise ConflictError(CHANGES) from exc

    async def _order(self, plan: PlatformPlan, success_url: str, cancel_url: str) -> CheckoutOrder:
        """Return what is to be paid; a checkout that is still open for something else is closed."""
        price = await self._price_id()
        wish = "\n".join((price, success_url, cancel_url))
        digest = sha256(wish.encode()).hexdigest()[:16]
        key = f"{plan.platform_id}/{REF}/{plan.version}/{digest}"
        if plan.session_id is not None and await self._is_open(plan.session_id):
            if plan.session_key is not None and plan.session_key.endswith(f"/{digest}"):
                key = plan.session_key
            else:
                await self._provider.expire(self._provider.operator_account, plan.session_id)
        return CheckoutOrder(
            key=key,
            customer_id=plan.payer_id or "",
            price_ids=(price,),
            trial_days=0,
            success_url=success_url,
            cancel_url=cancel_url,
            references={"platform": plan.platform_id},
        )

    async def _is_open(self, session_id: str) -> bool:
        state = await self._provider.checkout_state(self._provider.operator_account, session_id)
        return state is not None and state.status is CheckoutStatus.OPEN

    async def _price_id(self) -> str:
        if self._price is None:
            settings = self._settings
            item = CatalogueItem(
                ref=REF,
                name=NAME,
                amount=settings.platform_price,
                currency=settings.platform_currency,
                interval=Interval.MONTH,
            )
            listed = await self._provider.list_item(self._provider.operator_account, item)
            self._price = listed.price_id
        return self._price

    def _check_sold(self) -> None:
        if not self.is_sold:
            raise BillingNotConfiguredError("Platforms pay nothing here.")


async def _unchanged(writer: Writer, plan: PlatformPlan) -> None:
    """Raise `StaleError` if what a platform pays is not as it was when it was asked for."""
    found = await platform_plans.find(writer.connection, plan.platform_id)
    if found is None or found.version != plan.version:
        raise StaleError
