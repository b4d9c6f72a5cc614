"""Sends customers to the provider's pages: to pay for a tier, or to see what they pay for.

No transaction is open while the provider is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from dream_gateway.billing.access import BEGINNING, ENDED, UNPAID
from dream_gateway.billing.mirror import subscribed
from dream_gateway.billing.money import Subscribed
from dream_gateway.billing.news import StaleError
from dream_gateway.billing.plans import Change, change_to
from dream_gateway.errors import BillingAccountError, ConflictError
from dream_gateway.model import Interval
from dream_gateway.payments import (
    CheckoutOrder,
    CheckoutStatus,
    Listed,
    Payer,
    SubscriptionStatus,
    When,
)
from dream_gateway.records import accounts, checkouts, payers, prices
from dream_gateway.records import subscriptions as mirror
from dream_gateway.records.prices import PriceKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dream_gateway.billing.news import Effect, News, Owner
    from dream_gateway.billing.payers import Payers
    from dream_gateway.billing.subscriptions import Subscriptions
    from dream_gateway.model import Customer, Project, Tier
    from dream_gateway.payments import Account, Billing, SubscriptionState
    from dream_gateway.records.checkouts import Checkout
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.prices import Price
    from dream_gateway.records.subscriptions import Mirrored

ACTOR = "billing"
ASK_SECONDS = 120.0
"""How long after a checkout was begun it is first asked what became of it, without any news."""

STALE_TRIES = 3
NOTHING_PAID = "The customer has not paid for anything yet."

BOUGHT = frozenset({CheckoutStatus.PAYING, CheckoutStatus.PAID})
"""Checkouts that cannot be closed any more: nobody is sent to a second page beside them."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A tier that a customer chose, and where to come back to."""

    project: Project
    customer: Customer
    tier: Tier
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of a wish: where to send the customer, and since when the change holds.

    Only for `CHECKOUT` there is a session.
    """

    change: Change
    url: str
    session_id: str | None = None
    at: float | None = None


class Checkouts:
    """Begins subscriptions, and changes those there are."""

    def __init__(
        self, provider: Billing, records: Records, subscriptions: Subscriptions, payers: Payers
    ) -> None:
        self._provider = provider
        self._records = records
        self._subscriptions = subscriptions
        self._payers = payers

    async def begin(
        self,
        *,
        project: Project,
        customer: Customer,
        tier: Tier,
        success_url: str,
        cancel_url: str,
    ) -> Begun:
        """Let a customer pay for a tier, or change what they pay for.

        Raises `BillingAccountError` where nobody can take the money, `ConflictError` where the
        tier cannot be bought right now, and `BillingUnavailableError`.
        """
        wish = Wish(project, customer, tier, success_url, cancel_url)
        account = await self._account(project)
        offered = await self._offered(account, wish)
        payer = await self._payer(account, wish.customer)
        try:
            return await self._begin(account, wish, payer, offered)
        except ConflictError:
            if not await self._payers.lost(account, payer):
                raise
        payer = await self._payer(account, wish.customer)
        return await self._begin(account, wish, payer, offered)

    async def _begin(
        self, account: Account, wish: Wish, payer: str, offered: tuple[Price, ...]
    ) -> Begun:
        rows = await self._truth(account, payer, wish.customer)
        has = next((row for row in rows if _goes_on(row, account)), None)
        if has is not None:
            return await self._change(account, wish, has, offered)
        return await self._open(account, wish, payer, offered, rows)

    async def portal(self, project: Project, customer: Customer, return_url: str) -> str:
        """Return the URL of the page where a customer sees and changes what they pay for.

        Raises `ConflictError` for one who never paid, and what `begin` does.
        """
        account = await self._account(project)
        async with self._records.read() as connection:
            payer = await payers.find(connection, account, customer.id)
            sold = await prices.on_sale(connection, account, project.id)
        if payer is None:
            raise ConflictError(NOTHING_PAID)
        offers = [
            Listed(price.provider_product_id, price.price_id)
            for price in sold
            if price.kind is PriceKind.TIER
        ]
        try:
            return await self._provider.portal(account, payer, return_url, offers)
        except ConflictError:
            if await self._payers.lost(account, payer):
                raise ConflictError(NOTHING_PAID) from None
            raise

    async def news(self, news: News) -> Effect | None:
        """Ask what became of a checkout; `None` if it was none for a subscription."""
        state = await self._provider.checkout_state(news.account, news.ref)
        if state is None or state.subscription_id is None:
            return None
        effect = await self._subscriptions.asked(news.account, state.subscription_id)
        return partial(self._completed, news.account, news.ref, effect)

    async def follow(self, checkout: Checkout) -> Effect | None:
        """Ask what became of a checkout without any news; `None` if it is still open."""
        if checkout.session_id is None:
            return partial(_close, checkout, None)
        state = await self._provider.checkout_state(checkout.account, checkout.session_id)
        if state is not None and state.status is CheckoutStatus.OPEN:
            return None
        if state is None or state.subscription_id is None:
            return partial(_close, checkout, None)
        effect = await self._subscriptions.asked(checkout.account, state.subscription_id)
        return partial(_close, checkout, effect)

    async def _completed(
        self, account: Account, session_id: str, effect: Effect | None, writer: Writer
    ) -> Owner | None:
        await checkouts.close_session(writer, account, session_id)
        return None if effect is None else await effect(writer)

    async def _account(self, project: Project) -> Account:
        async with self._records.read() as connection:
            found = await accounts.of_platform(connection, project.platform_id, project.mode)
        if found is None or not found.sells:
            raise BillingAccountError
        return found.account

    async def _offered(self, account: Account, wish: Wish) -> tuple[Price, ...]:
        """Return the prices of a tier: what it costs, and what use beyond what it includes does.

        Never any but the tier's: one that is not at the provider as the tier has it is not sold.
        """
        tier, project = wish.tier, wish.project.id
        kinds = [PriceKind.TIER, *([PriceKind.OVERAGE] if tier.overage is not None else [])]
        async with self._records.read() as connection:
            found = [
                await prices.current(connection, account, project, kind, tier.name)
                for kind in kinds
            ]
        offered = tuple(price for price in found if price is not None)
        if [_terms(price) for price in offered] != _wanted_terms(tier):
            raise ConflictError("The tier is not on sale yet as it is: push the catalogue.")
        return offered

    async def _payer(self, account: Account, customer: Customer) -> str:
        async with self._records.read() as connection:
            known = await payers.find(connection, account, customer.id)
        if known is not None:
            return known
        names = [name for name in (customer.first_name, customer.last_name) if name]
        references = {"customer": customer.id, "project": customer.project_id}
        made = await self._provider.customer(
            account,
            Payer(customer.id, customer.email, " ".join(names) or None, references),
        )
        async with self._records.write(ACTOR) as writer:
            return await payers.add(writer, account, made, customer)

    async def _truth(self, account: Account, payer: str, customer: Customer) -> list[Mirrored]:
        """Return a customer's subscriptions, newest first, as the provider has them right now."""
        for _ in range(STALE_TRIES):
            async with self._records.read() as connection:
                seen = {
                    row.subscription_id: row.version
                    for row in await mirror.of_customer(connection, customer.id)
                    if row.account_id == account.id
                }
            states = await self._provider.subscriptions_of(account, payer)
            try:
                return await self._store(account, states, seen, customer)
            except StaleError:
                continue
        raise ConflictError("The subscription changes right now: try again.")

    async def _store(
        self,
        account: Account,
        states: Sequence[SubscriptionState],
        seen: dict[str, int],
        customer: Customer,
    ) -> list[Mirrored]:
        if not states:
            async with self._records.read() as connection:
                return await mirror.of_customer(connection, customer.id)
        async with self._records.write(ACTOR) as writer:
            for state in states:
                await self._subscriptions.store(account, state, seen.get(state.id, 0), writer)
            return await mirror.of_customer(writer.connection, customer.id)

    async def _change(
        self, account: Account, wish: Wish, has: Mirrored, offered: tuple[Price, ...]
    ) -> Begun:
        price = offered[0]
        if has.status in UNPAID:
            raise ConflictError("What the customer has is not paid: they can do so in the portal.")
        if has.currency != price.currency:
            raise ConflictError("A subscription cannot change to another currency.")
        change = change_to(
            subscribed(has), _subscribed(price), same_tier=has.plan == wish.tier.name
        )
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
        at = has.period_end if change is Change.PERIOD_END else None
        return Begun(change, wish.success_url, at=at)

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

    async def _open(
        self,
        account: Account,
        wish: Wish,
        payer: str,
        offered: tuple[Price, ...],
        rows: Sequence[Mirrored],
    ) -> Begun:
        had = any(row.status not in BEGINNING for row in rows)
        ids = tuple(price.price_id for price in offered)
        days = 0 if had else wish.tier.trial_days
        asked = (account.id, payer, ids, days, wish.success_url, wish.cancel_url)
        fingerprint = sha256(msgspec.json.encode(asked)).digest()
        ended = {row.subscription_id for row in rows if row.status in ENDED}
        checkout = await self._reserve(account, wish.customer, fingerprint, ended)
        if checkout.session_id is not None and await self._payers.lost(account, payer):
            raise ConflictError("The checkout that was begun before cannot be paid any more.")
        order = CheckoutOrder(
            key=checkout.id,
            customer_id=payer,
            price_ids=ids,
            trial_days=days,
            success_url=wish.success_url,
            cancel_url=wish.cancel_url,
            references={"customer": wish.customer.id, "project": wish.project.id},
        )
        session = await self._provider.checkout(account, order)
        async with self._records.write(ACTOR) as writer:
            wanted = await checkouts.opened(writer, checkout.id, session.id)
        if not wanted:
            await self._provider.expire(account, session.id)
            raise ConflictError("Another checkout was begun meanwhile.")
        return Begun(Change.CHECKOUT, session.url, session.id)

    async def _reserve(
        self, account: Account, customer: Customer, fingerprint: bytes, ended: Collection[str]
    ) -> Checkout:
        """Return the one checkout of a customer's that is open from now on; any other is closed.

        Raises `ConflictError` if another came to be paid, unless its subscription is one that ended.
        """
        async with self._records.read() as connection:
            there = await checkouts.still_open(connection, customer.id)
        again = next((each for each in there if each.fingerprint == fingerprint), None)
        over = [each for each in there if each is not again]
        if again is not None and not await self._is_payable(again):
            over.append(again)
        for each in over:
            if each.session_id is not None:
                await self._expire(each.account, each.session_id, ended)
        async with self._records.write(ACTOR) as writer:
            for each in over:
                await checkouts.close(writer, each.id)
            for each in await checkouts.still_open(writer.connection, customer.id):
                if each.fingerprint == fingerprint:
                    return each
                await checkouts.close(writer, each.id)
            ask_at = writer.now + ASK_SECONDS
            return await checkouts.add(writer, account, customer.id, fingerprint, ask_at)

    async def _expire(self, account: Account, session_id: str, ended: Collection[str]) -> None:
        await self._provider.expire(account, session_id)
        state = await self._provider.checkout_state(account, session_id)
        if state is None or state.status not in BOUGHT or state.subscription_id in ended:
            return
        raise ConflictError("What was begun before is being paid: try again in a while.")

    async def _is_payable(self, checkout: Checkout) -> bool:
        if checkout.session_id is None:
            return True
        state = await self._provider.checkout_state(checkout.account, checkout.session_id)
        return state is not None and state.status is CheckoutStatus.OPEN


async def _close(checkout: Checkout, effect: Effect | None, writer: Writer) -> Owner | None:
    await checkouts.close(writer, checkout.id)
    return None if effect is None else await effect(writer)


def _goes_on(row: Mirrored, account: Account) -> bool:
    """Return whether a subscription is there to be changed."""
    over = row.status in ENDED or row.status in BEGINNING
    return not over and row.plan is not None and row.account_id == account.id


def _subscribed(price: Price) -> Subscribed:
    return Subscribed(
        amount=price.amount,
        currency=price.currency,
        interval=price.interval or Interval.MONTH,
        status=SubscriptionStatus.ACTIVE,
        created_at=0.0,
    )


def _terms(price: Price) -> tuple[PriceKind, int, str, Interval | None]:
    return price.kind, price.amount, price.currency, price.interval


def _wanted_terms(tier: Tier) -> list[tuple[PriceKind, int, str, Interval | None]]:
    """Return what a tier's prices must be for it to be sold."""
    amounts = [(PriceKind.TIER, tier.price)]
    if tier.overage is not None:
        amounts.append((PriceKind.OVERAGE, tier.overage.price))
    return [(kind, amount, tier.currency, tier.billing_interval) for kind, amount in amounts]
