"""Keeps customers on the tiers that they pay for: what the provider says of their subscriptions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.billing.access import ENDED
from dream_gateway.billing.inbox import ACTOR
from dream_gateway.billing.mirror import (
    Whose,
    entitling,
    mirrored,
    next_ask,
    standing_of,
    told,
    view_of,
    with_anchor,
)
from dream_gateway.billing.news import Owner, StaleError
from dream_gateway.errors import ConflictError
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records import accounts, customers, messages, payers, prices, projects, tiers
from dream_gateway.records import subscriptions as mirror
from dream_gateway.records.prices import PriceKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.billing.news import Effect, News
    from dream_gateway.model import Customer, Project
    from dream_gateway.payments import Account, Billing, SubscriptionState
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.prices import Price
    from dream_gateway.records.subscriptions import Mirrored


STALE_TRIES = 3


class Subscriptions:
    """Asks for subscriptions, and applies the answers. `grace_days` is what `past_due` may last."""

    def __init__(self, provider: Billing, records: Records, grace_days: float) -> None:
        self._provider = provider
        self._records = records
        self.grace_days = grace_days

    async def news(self, news: News) -> Effect | None:
        """Ask what has become of a subscription."""
        return await self.asked(news.account, news.ref)

    async def asked(self, account: Account, subscription_id: str) -> Effect | None:
        """Ask for a subscription; return what stores the answer.

        Raises what `payments.Billing.subscription` does.
        """
        async with self._records.read() as connection:
            known = await mirror.find(connection, account.id or "", subscription_id)
        state = await self._provider.subscription(account, subscription_id)
        if state is not None:
            return partial(self.store, account, state, 0 if known is None else known.version)
        return None if known is None else partial(self._vanish, known)

    async def right_now(self, account: Account, payer: str, customer: Customer) -> list[Mirrored]:
        """Return a customer's subscriptions, newest first, as the provider has them right now.

        Raises `ConflictError` if they change all the time, and what the provider raises.
        """
        for _ in range(STALE_TRIES):
            async with self._records.read() as connection:
                seen = {
                    row.subscription_id: row.version
                    for row in await mirror.of_customer(connection, customer.id)
                    if row.account_id == account.id
                }
            states = await self._provider.subscriptions_of(account, payer)
            try:
                return await self._store_all(account, states, seen, customer)
            except StaleError:
                continue
        raise ConflictError("The subscription changes right now: try again.")

    async def store(
        self, account: Account, state: SubscriptionState, seen: int, writer: Writer
    ) -> Owner | None:
        """Store what the provider said, and put the customer on the tier that follows from it.

        `None`: it is of somebody we do not know, or for nothing we sell. `seen` is the version that
        was known before the provider was asked: raises `StaleError` if there is a newer one.
        """
        connection = writer.connection
        known = await mirror.find(connection, account.id or "", state.id)
        if seen != (0 if known is None else known.version):
            raise StaleError
        payee = known or await payers.of_payer(connection, account, state.customer_id)
        project = payee and await projects.find_even_deleted(connection, payee.project_id)
        if not payee or not project or not await _is_of(connection, project, account):
            return None
        whose = known or Whose(project.id, payee.customer_id, account.id or "")
        sold = await _sold(connection, project, account, state)
        plans, meters = (_tiers(sold, kind) for kind in (PriceKind.TIER, PriceKind.OVERAGE))
        row = mirrored(state, whose, plans, meters, writer.now)
        row = replace(row, ask_at=next_ask(row, writer.now, self.grace_days))
        if known is None and row.plan is None:
            return None
        await self._put(writer, project, known, row)
        return Owner(project.platform_id, project.id)

    def ask_by(self, known: Mirrored, now: float, at: float) -> float | None:
        """Return when a subscription is to be asked for: at an instant, or sooner if it ends then."""
        until = standing_of(known).until(self.grace_days)
        if known.status in ENDED:
            return None
        return at if until is None or until <= now else min(until, at)

    async def reconsider(self, writer: Writer, known: Mirrored, ask_at: float | None) -> None:
        """Apply what is known of a subscription to the time it is now; it is asked for at `ask_at`."""
        project = await projects.find_even_deleted(writer.connection, known.project_id)
        if project is not None:
            await self._put(writer, project, known, replace(known, ask_at=ask_at))

    async def _store_all(
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
                await self.store(account, state, seen.get(state.id, 0), writer)
            return await mirror.of_customer(writer.connection, customer.id)

    async def _vanish(self, known: Mirrored, writer: Writer) -> Owner | None:
        """Take note that the provider has no such subscription any more."""
        project = await projects.find_even_deleted(writer.connection, known.project_id)
        if project is None or known.status in ENDED:
            return None
        ended = replace(known, status=SubscriptionStatus.CANCELED, ended_at=writer.now, ask_at=None)
        await self._put(writer, project, known, ended)
        return Owner(project.platform_id, project.id)

    async def _put(
        self, writer: Writer, project: Project, before: Mirrored | None, row: Mirrored
    ) -> None:
        row = await mirror.put(writer, row)
        moved = await self._settle(writer, project, row.customer_id)
        data = told(row)
        if moved is None or (before is not None and told(before) == data and not moved):
            return
        customer = await customers.by_id(writer.connection, project.id, row.customer_id)
        if customer is None:
            return
        kind = messages.MessageType.SUBSCRIPTION_CHANGED
        payload = {
            "customerId": customer.id,
            "externalId": customer.external_id,
            "plan": customer.plan,
            "subscription": data,
        }
        await messages.tell(writer, project.id, kind, f"{kind}:{row.id}:{row.version}", payload)

    async def _settle(self, writer: Writer, project: Project, customer_id: str) -> bool | None:
        """Put a customer on the tier that their subscriptions give; return whether it is another.

        `None`: there is no such customer any more.
        """
        connection = writer.connection
        customer = await customers.by_id(connection, project.id, customer_id)
        if customer is None:
            return None
        rows = await mirror.of_customer(connection, customer_id)
        chosen = entitling(rows, writer.now, self.grace_days)
        shown = chosen or (rows[0] if rows else None)
        changed = replace(customer, subscription=None if shown is None else view_of(shown))
        if chosen is not None and chosen.plan is not None:
            changed = with_anchor(replace(changed, plan=chosen.plan), chosen)
        elif any(standing_of(row).was_given for row in rows):
            changed = replace(changed, plan=project.default_tier)
        if changed != customer:
            await customers.change(writer, changed)
        return changed.plan != customer.plan


async def _is_of(connection: AsyncConnection, project: Project, account: Account) -> bool:
    """Return whether an account is where a project's customers pay."""
    connected = await accounts.of_platform(connection, project.platform_id, project.mode)
    return connected is not None and connected.account == account


async def _sold(
    connection: AsyncConnection, project: Project, account: Account, state: SubscriptionState
) -> dict[str, Price]:
    """Return the prices of a subscription's that are of tiers that the project sold and still has."""
    scheduled = () if state.scheduled is None else (state.scheduled.price_id,)
    found = await prices.known(connection, account, (*state.price_ids, *scheduled))
    named = {tier.name for tier in await tiers.of_project(connection, project.id)}
    return {
        price_id: price
        for price_id, price in found.items()
        if price.project_id == project.id and price.ref in named
    }


def _tiers(sold: Mapping[str, Price], kind: PriceKind) -> dict[str, str]:
    """Return which tier each price of a kind is for."""
    return {price_id: price.ref for price_id, price in sold.items() if price.kind is kind}
