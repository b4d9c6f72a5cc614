"""Whom the provider knows our customers as: one that was deleted there is somebody new next."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.billing.access import ENDED
from dream_gateway.billing.inbox import ACTOR
from dream_gateway.billing.news import Owner
from dream_gateway.payments import Payer
from dream_gateway.records import payers, projects
from dream_gateway.records import subscriptions as mirror

if TYPE_CHECKING:
    from dream_gateway.billing.news import Effect, News
    from dream_gateway.model import Customer
    from dream_gateway.payments import Account, Billing
    from dream_gateway.records.database import Records, Writer


class Payers:
    """Makes customers known to the provider, and forgets payers that are gone.

    What those paid for has ended with them: that is asked for.
    """

    def __init__(self, provider: Billing, records: Records) -> None:
        self._provider = provider
        self._records = records

    async def of(self, account: Account, customer: Customer) -> str:
        """Return whom the provider knows a customer as, who is made known if need be."""
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

    async def news(self, news: News) -> Effect | None:
        """Ask whether a payer is still there; `None` if so: nothing else of them is kept here."""
        if await self._provider.has_customer(news.account, news.ref):
            return None
        return partial(self._forget, news.account, news.ref)

    async def lost(self, account: Account, payer_id: str) -> bool:
        """Return whether the provider has no such payer any more; then it is forgotten.

        Raises what `payments.Billing.has_customer` does.
        """
        if await self._provider.has_customer(account, payer_id):
            return False
        async with self._records.write(ACTOR) as writer:
            await self._forget(account, payer_id, writer)
        return True

    async def look_after(self, account: Account, subscription_id: str) -> None:
        """Ask whether who paid for a subscription that ended is still there. Raises what `lost` does."""
        async with self._records.read() as connection:
            known = await mirror.find(connection, account.id or "", subscription_id)
            if known is None or known.status not in ENDED:
                return
            payer = await payers.find(connection, account, known.customer_id)
        if payer is not None and payer == known.payer_id:
            await self.lost(account, payer)

    async def _forget(self, account: Account, payer_id: str, writer: Writer) -> Owner | None:
        payee = await payers.of_payer(writer.connection, account, payer_id)
        if payee is None:
            return None
        await payers.forget(writer, account, payer_id)
        await mirror.ask_payer(writer, account, payer_id)
        project = await projects.find_even_deleted(writer.connection, payee.project_id)
        return None if project is None else Owner(project.platform_id, project.id)
