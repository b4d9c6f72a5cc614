"""The provider's pages where customers begin a subscription: a customer has one open at most.

No transaction is open while the provider is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from dream_gateway.billing.access import BEGINNING, ENDED
from dream_gateway.billing.inbox import ACTOR
from dream_gateway.errors import ConflictError
from dream_gateway.payments import CheckoutOrder, CheckoutStatus
from dream_gateway.records import checkouts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dream_gateway.billing.news import Effect, News, Owner
    from dream_gateway.billing.payers import Payers
    from dream_gateway.billing.subscriptions import Subscriptions
    from dream_gateway.model import Customer, Project, Tier
    from dream_gateway.payments import Account, Billing, CheckoutSession
    from dream_gateway.records.checkouts import Checkout
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.prices import Price
    from dream_gateway.records.subscriptions import Mirrored

ASK_SECONDS = 120.0
"""How long after a checkout was begun it is first asked what became of it, without any news."""

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


class CheckoutSessions:
    """Opens pages to pay at, closes them, and asks what became of them."""

    def __init__(
        self, provider: Billing, records: Records, subscriptions: Subscriptions, payers: Payers
    ) -> None:
        self._provider = provider
        self._records = records
        self._subscriptions = subscriptions
        self._payers = payers

    async def open(
        self,
        account: Account,
        wish: Wish,
        payer: str,
        offered: tuple[Price, ...],
        rows: Sequence[Mirrored],
    ) -> CheckoutSession:
        """Return a page where a customer begins a subscription, the only one that is open.

        `rows` are the subscriptions they had. Raises `ConflictError` if another page came to be paid.
        """
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
        return session

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
