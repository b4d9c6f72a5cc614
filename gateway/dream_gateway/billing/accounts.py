"""Follows developers' accounts at the provider: whether they can take money, and are still connected."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.billing.news import Owner
from dream_gateway.errors import BillingAccountError
from dream_gateway.records import accounts

if TYPE_CHECKING:
    from dream_gateway.billing.news import Effect, News
    from dream_gateway.payments import Account, AccountState, Billing
    from dream_gateway.records.database import Records, Writer

logger = logging.getLogger(__name__)


class Accounts:
    """Of an account that was disconnected all that is known stays; there is no new checkout for it."""

    def __init__(self, provider: Billing, records: Records) -> None:
        self._provider = provider
        self._records = records

    async def news(self, news: News) -> Effect | None:
        """Ask whether an account is still connected.

        What says that it is gone holds if it happened after the account was connected last: the
        provider may still answer for it.
        """
        account = news.account
        try:
            state = await self._provider.account(account)
        except BillingAccountError:
            return partial(self.lose, account)
        return partial(self._note, account, state, news.at if news.gone else None)

    async def lose(self, account: Account, writer: Writer) -> Owner | None:
        """Take note that the gateway may not act for an account any more."""
        concerned = await accounts.deauthorize(writer, account)
        for each in concerned:
            logger.error(
                "The account %s of the platform %s was disconnected at the provider: "
                "there is no checkout until it is connected again.",
                account.id,
                each.platform_id,
            )
        return Owner(concerned[0].platform_id) if concerned else None

    async def _note(
        self, account: Account, state: AccountState, gone_at: float | None, writer: Writer
    ) -> Owner | None:
        concerned = await accounts.owners(writer.connection, account)
        if gone_at is not None and all(each.changed_at <= gone_at for each in concerned):
            return await self.lose(account, writer)
        await accounts.set_charges(writer, account, charges=state.charges)
        return Owner(concerned[0].platform_id) if concerned else None
