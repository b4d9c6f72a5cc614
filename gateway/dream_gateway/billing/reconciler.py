"""Asks the provider where no news came, so that what was missed is made up for."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dream_gateway.billing.access import DAY_SECONDS
from dream_gateway.billing.inbox import ACTOR
from dream_gateway.billing.news import StaleError
from dream_gateway.errors import BillingAccountError, GatewayError
from dream_gateway.payments import About, Endpoint
from dream_gateway.records import accounts, adoption, checkouts, inbox, polls
from dream_gateway.records import subscriptions as mirror

if TYPE_CHECKING:
    from dream_gateway.billing.accounts import Accounts
    from dream_gateway.billing.checkout_sessions import CheckoutSessions
    from dream_gateway.billing.inbox import Inbox
    from dream_gateway.billing.news import Effect, Owner
    from dream_gateway.billing.payers import Payers
    from dream_gateway.billing.subscriptions import Subscriptions
    from dream_gateway.clock import Clock
    from dream_gateway.payments import Account, Billing
    from dream_gateway.records.checkouts import Checkout
    from dream_gateway.records.database import Records

logger = logging.getLogger(__name__)

AT_ONCE = 20
LEASE_SECONDS = 120.0
ASK_TIMEOUT_SECONDS = 30.0
AGAIN_SECONDS = 120.0
"""After how long the provider is asked again that could not be."""

POLL_SECONDS = 600.0
"""How often each account is asked for events that did not reach us."""

LOOK_BACK_SECONDS = 4 * DAY_SECONDS
"""How old such events may be: providers repeat them for three days themselves."""

AT_A_TIME = 100
"""How many of them are kept in one transaction."""

KEEP_SECONDS = 30 * DAY_SECONDS
"""How long events and checkouts that are dealt with can be looked at."""

PRUNE_SECONDS = 3_600.0
"""How often those that are older are forgotten."""


class Reconciler:
    """Many workers and nodes may run it at once: what is due is taken by one of them."""

    def __init__(
        self,
        *,
        provider: Billing,
        records: Records,
        clock: Clock,
        subscriptions: Subscriptions,
        sessions: CheckoutSessions,
        accounts: Accounts,
        payers: Payers,
        inbox: Inbox,
    ) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock
        self._subscriptions = subscriptions
        self._sessions = sessions
        self._accounts = accounts
        self._payers = payers
        self._inbox = inbox
        self._prune_at = 0.0

    async def step(self) -> bool:
        """Make up for some of what is due; return whether there may be more."""
        await self._take_over()
        asked = await self._ask_for_subscriptions()
        followed = await self._follow_checkouts()
        polled = await self._poll()
        return asked or followed or polled

    async def _take_over(self) -> None:
        async with self._records.read() as connection:
            if not await adoption.any_left(connection):
                return
        async with self._records.write(ACTOR) as writer:
            await adoption.adopt(writer)

    async def _ask_for_subscriptions(self) -> bool:
        async with self._records.read() as connection:
            if not await mirror.due(connection, self._clock.now(), 1):
                return False
        async with self._records.write(ACTOR) as writer:
            taken = await mirror.take_due(writer, AT_ONCE, LEASE_SECONDS)
        for each in taken:
            await self._ask(each)
        return bool(taken)

    async def _ask(self, due: mirror.Due) -> None:
        effect: Effect | None = None
        again = AGAIN_SECONDS
        try:
            if await self._acts_for(due.account):
                async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                    effect = await self._subscriptions.asked(due.account, due.subscription_id)
            else:
                again = DAY_SECONDS
        except (GatewayError, TimeoutError) as exc:
            logger.warning("%s cannot be asked for: %s", due.subscription_id, exc)
        if await self._apply(effect) is None:
            await self._reconsider(due, again)
        else:
            await self._look_after_payer(due)

    async def _look_after_payer(self, due: mirror.Due) -> None:
        """Find out whether what ended did so because its payer was deleted."""
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                await self._payers.look_after(due.account, due.subscription_id)
        except (GatewayError, TimeoutError) as exc:
            logger.warning("The payer of %s cannot be asked for: %s", due.subscription_id, exc)

    async def _apply(self, effect: Effect | None) -> Owner | None:
        """Do what follows from an answer; `None` if it was nothing, or too late."""
        if effect is None:
            return None
        try:
            async with self._records.write(ACTOR) as writer:
                return await effect(writer)
        except StaleError:
            return None

    async def _reconsider(self, due: mirror.Due, seconds: float) -> None:
        """Apply the time that has passed to what is known; ask again after so many seconds."""
        async with self._records.write(ACTOR) as writer:
            account, name = due.account.id or "", due.subscription_id
            known = await mirror.find(writer.connection, account, name)
            if known is not None:
                at = self._subscriptions.ask_by(known, writer.now, writer.now + seconds)
                await self._subscriptions.reconsider(writer, known, at)

    async def _follow_checkouts(self) -> bool:
        async with self._records.read() as connection:
            due = await checkouts.due(connection, self._clock.now(), AT_ONCE)
        if not due:
            return False
        async with self._records.write(ACTOR) as writer:
            for each in due:
                later = max(writer.now - each.created_at, AGAIN_SECONDS)
                await checkouts.ask_again(writer, each.id, writer.now + min(later, 3_600.0))
        for each in due:
            await self._follow(each)
        return True

    async def _follow(self, checkout: Checkout) -> None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                effect = await self._sessions.follow(checkout)
        except (GatewayError, TimeoutError) as exc:
            logger.warning("The checkout %s cannot be asked for: %s", checkout.id, exc)
            return
        await self._apply(effect)

    async def _poll(self) -> bool:
        """Ask one account for what did not reach us; return whether there was one to ask."""
        async with self._records.read() as connection:
            everyone = [self._provider.operator_account, *await accounts.acting(connection)]
            late = await polls.late(connection, everyone, self._clock.now() - POLL_SECONDS)
        if not late:
            return False
        async with self._records.write(ACTOR) as writer:
            if not await polls.take(writer, late[0], writer.now - POLL_SECONDS):
                return True
        await self._prune()
        await self._ask_for_events(late[0])
        return True

    async def _prune(self) -> None:
        if self._clock.now() < self._prune_at:
            return
        async with self._records.write(ACTOR) as writer:
            await inbox.prune(writer, writer.now - KEEP_SECONDS)
            await checkouts.prune(writer, writer.now - KEEP_SECONDS)
            self._prune_at = writer.now + PRUNE_SECONDS

    async def _ask_for_events(self, account: Account) -> None:
        endpoint = Endpoint.PLATFORM if account.id is None else Endpoint.CONNECT
        try:
            since = self._clock.now() - LOOK_BACK_SECONDS
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                events = await self._provider.undelivered(account, since)
        except BillingAccountError:
            async with self._records.write(ACTOR) as writer:
                await self._accounts.lose(account, writer)
        except (GatewayError, TimeoutError) as exc:
            logger.warning("The events of %s cannot be asked for: %s", account.id, exc)
        else:
            told = [event for event in events if event.about is not About.NOTHING]
            for start in range(0, len(told), AT_A_TIME):
                await self._inbox.keep(endpoint, told[start : start + AT_A_TIME])

    async def _acts_for(self, account: Account) -> bool:
        async with self._records.read() as connection:
            found = await accounts.owners(connection, account)
        return any(each.status is not accounts.AccountStatus.DEAUTHORIZED for each in found)
