"""Sends customers to the provider's pages: to pay for a tier, or to see what they pay for.

No transaction is open while the provider is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.billing.access import BEGINNING, ENDED
from dream_gateway.billing.checkout_sessions import Wish
from dream_gateway.billing.plan_changes import PlanChanges
from dream_gateway.billing.plans import Change
from dream_gateway.errors import BillingAccountError, ConflictError
from dream_gateway.payments import Listed
from dream_gateway.records import accounts, payers, prices
from dream_gateway.records.prices import PriceKind

if TYPE_CHECKING:
    from dream_gateway.billing.checkout_sessions import CheckoutSessions
    from dream_gateway.billing.payers import Payers
    from dream_gateway.billing.subscriptions import Subscriptions
    from dream_gateway.model import Customer, Interval, Project, Tier
    from dream_gateway.payments import Account, Billing
    from dream_gateway.records.database import Records
    from dream_gateway.records.prices import Price
    from dream_gateway.records.subscriptions import Mirrored

NOTHING_PAID = "The customer has not paid for anything yet."


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
        self,
        provider: Billing,
        records: Records,
        subscriptions: Subscriptions,
        payers: Payers,
        sessions: CheckoutSessions,
    ) -> None:
        self._provider = provider
        self._records = records
        self._subscriptions = subscriptions
        self._payers = payers
        self._sessions = sessions
        self._changes = PlanChanges(provider, records, subscriptions)

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
        payer = await self._payers.of(account, customer)
        try:
            return await self._begin(account, wish, payer, offered)
        except ConflictError:
            if not await self._payers.lost(account, payer):
                raise
        payer = await self._payers.of(account, customer)
        return await self._begin(account, wish, payer, offered)

    async def _begin(
        self, account: Account, wish: Wish, payer: str, offered: tuple[Price, ...]
    ) -> Begun:
        rows = await self._subscriptions.right_now(account, payer, wish.customer)
        has = next((row for row in rows if _goes_on(row, account)), None)
        if has is None:
            session = await self._sessions.open(account, wish, payer, offered, rows)
            return Begun(Change.CHECKOUT, session.url, session.id)
        change = await self._changes.change(account, has, wish.tier, offered)
        at = has.period_end if change is Change.PERIOD_END else None
        return Begun(change, wish.success_url, at=at)

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


def _goes_on(row: Mirrored, account: Account) -> bool:
    """Return whether a subscription is there to be changed."""
    over = row.status in ENDED or row.status in BEGINNING
    return not over and row.plan is not None and row.account_id == account.id


def _terms(price: Price) -> tuple[PriceKind, int, str, Interval | None]:
    return price.kind, price.amount, price.currency, price.interval


def _wanted_terms(tier: Tier) -> list[tuple[PriceKind, int, str, Interval | None]]:
    """Return what a tier's prices must be for it to be sold."""
    amounts = [(PriceKind.TIER, tier.price)]
    if tier.overage is not None:
        amounts.append((PriceKind.OVERAGE, tier.overage.price))
    return [(kind, amount, tier.currency, tier.billing_interval) for kind, amount in amounts]
