"""Takes what payment providers tell: verified, kept once, and dealt with object by object."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dream_gateway.billing import ACTOR
from dream_gateway.billing.news import News, StaleError
from dream_gateway.errors import BillingUnavailableError, GatewayError, StoreUnavailableError
from dream_gateway.payments import Endpoint
from dream_gateway.records import accounts, inbox
from dream_gateway.records.inbox import InboxStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.billing.news import Handler, Owner
    from dream_gateway.clock import Clock
    from dream_gateway.payments import About, Billing, Event
    from dream_gateway.records.database import Records
    from dream_gateway.records.inbox import Taken

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
"""How long nobody else takes what one worker is at: past that it is taken for dead."""

HANDLE_SECONDS = 45.0
MOST_ATTEMPTS = 8
AGAIN_SECONDS = 10.0
"""After how long it is tried again while the provider is away."""

SELDOM_SECONDS = 600.0


class Inbox:
    """Many workers and nodes may run it at once: what is of one object is taken by one of them.

    `handlers` says who deals with what came to which endpoint; what nobody deals with is ignored.
    """

    def __init__(
        self,
        provider: Billing,
        records: Records,
        clock: Clock,
        handlers: Mapping[tuple[Endpoint, About], Handler],
    ) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock
        self._handlers = handlers

    async def receive(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> None:
        """Keep an event; once this returns, the provider need not send it again.

        Raises what `payments.Billing.read_event` does, and `StoreUnavailableError`.
        """
        event = self._provider.read_event(endpoint, headers, body, self._clock.now())
        await self.keep(endpoint, [event])

    async def keep(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        """Keep events of which it is known that they are the provider's."""
        async with self._records.write(ACTOR) as writer:
            for event in events:
                await inbox.put(writer, endpoint, event)

    async def step(self) -> bool:
        """Deal with all that is due of one object; return whether there was any."""
        async with self._records.read() as connection:
            if not await inbox.is_due(connection, self._clock.now()):
                return False
        async with self._records.write(ACTOR) as writer:
            taken = await inbox.take(writer, LEASE_SECONDS)
        if taken is None:
            return False
        if taken.attempts > MOST_ATTEMPTS:
            await self._fail(taken, "It was taken again and again, and never came to an end.")
        else:
            await self._deal_with(taken)
        return True

    async def _deal_with(self, taken: Taken) -> None:
        try:
            async with asyncio.timeout(HANDLE_SECONDS):
                await self._handle(taken)
        except StaleError:
            await self._put_off(taken, 0.0, "It changed meanwhile.", counts=False)
        except (BillingUnavailableError, StoreUnavailableError, TimeoutError) as exc:
            fault = exc.code if isinstance(exc, GatewayError) else "It took too long."
            await self._put_off(taken, AGAIN_SECONDS, fault, counts=False)
        except Exception as exc:
            event = taken.events[-1]
            logger.exception("The event %s (%s) failed.", event.event_id, event.type)
            await self._fail(taken, _fault(exc))

    async def _handle(self, taken: Taken) -> None:
        news = _news(taken)
        handler = self._handlers.get((news.endpoint, news.about))
        if handler is None or not await self._is_known(news):
            effect = None
        else:
            effect = await handler(news)
        async with self._records.write(ACTOR) as writer:
            owner: Owner | None = None if effect is None else await effect(writer)
            status = InboxStatus.IGNORED if owner is None else InboxStatus.DONE
            whose = (None, None) if owner is None else owner
            if not await inbox.finish(writer, taken, status, *whose):
                # The lease ran out, and somebody else has it: nothing of this may count.
                raise StaleError

    async def _is_known(self, news: News) -> bool:
        """Return whether news are of an account that its endpoint is for, and somebody's here."""
        if news.endpoint is Endpoint.PLATFORM:
            return news.account.id is None
        async with self._records.read() as connection:
            return bool(await accounts.owners(connection, news.account))

    async def _put_off(self, taken: Taken, seconds: float, fault: str, *, counts: bool) -> None:
        async with self._records.write(ACTOR) as writer:
            await inbox.put_off(writer, taken, seconds, fault, counts=counts)

    async def _fail(self, taken: Taken, fault: str) -> None:
        if taken.attempts < MOST_ATTEMPTS:
            seconds = min(2.0**taken.attempts, SELDOM_SECONDS)
            await self._put_off(taken, seconds, fault, counts=True)
            return
        async with self._records.write(ACTOR) as writer:
            await inbox.park(writer, taken, fault)


def _fault(exc: Exception) -> str:
    """Return what developers may read of a failure; all of it is in the log."""
    if isinstance(exc, GatewayError):
        return f"{exc.code}: {exc.detail}"
    return f"It failed inside of the gateway ({type(exc).__name__})."


def _news(taken: Taken) -> News:
    newest = taken.events[-1]
    return News(
        endpoint=newest.endpoint,
        account=newest.account,
        about=newest.about,
        ref=newest.ref,
        types=tuple(event.type for event in taken.events),
        at=max(event.created_at for event in taken.events),
        gone=any(event.gone for event in taken.events),
    )
