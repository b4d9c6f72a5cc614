"""Has what a project sells on sale at the payment provider: all of it, or as it was before.

A push lists every item anew, which the provider takes as often as it comes, and then has buyers get
the new prices in one transaction. While the provider is away it is tried again; what the provider
refuses is undone there, and nothing of it is seen here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from dream_gateway.billing import ACTOR
from dream_gateway.billing.items import Drift, Key, difference, for_sale, reference
from dream_gateway.billing.news import Owner
from dream_gateway.errors import BillingAccountError, BillingUnavailableError, GatewayError
from dream_gateway.model import Actor
from dream_gateway.records import accounts, prices, products, projects, pushes, tiers
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.records.prices import Price, PriceKind, ProviderIds
from dream_gateway.records.pushes import PushStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.billing.news import Effect, News
    from dream_gateway.clock import Clock
    from dream_gateway.model import Project
    from dream_gateway.payments import Account, Billing, CatalogueItem, Listed
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.pushes import Push

logger = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 4
"""Items that the provider is told at a time."""

LEASE_SECONDS = 300.0
CHECK_SECONDS = 86_400.0
"""After how long a catalogue that was pushed is pushed again: that repairs what somebody changed."""

REPAIR_SECONDS = 3_600.0
"""Between two repairs, so that a provider which never keeps what it is told is not told for ever."""

FIRST_RETRY, LONGEST_RETRY = 5.0, 3_600.0
_KINDS = (PriceKind.TIER, PriceKind.PRODUCT)


class Pushed(NamedTuple):
    """What came of a push: what is on sale now, and what is no longer."""

    on_sale: tuple[Price, ...]
    withdrawn: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A project's catalogue as it is to be, and what is on sale at the provider's as we know."""

    project: Project
    account: Account
    wanted: Mapping[Key, CatalogueItem]
    on_sale: tuple[Price, ...]

    @property
    def left_over(self) -> list[Key]:
        """What is on sale and should not be."""
        listed = [(price.kind, price.ref) for price in self.on_sale if price.kind in _KINDS]
        return [key for key in listed if key not in self.wanted]

    def ref(self, key: Key) -> str:
        """Return what the provider knows an item by."""
        return reference(self.project.id, key)


class Catalogue:
    """Many workers and nodes may run it at once: a project's catalogue is pushed by one of them."""

    def __init__(self, provider: Billing, records: Records, clock: Clock) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock

    async def push(self, project_id: str, actor: Actor) -> Pushed:
        """Push a project's catalogue now.

        Raises `ConflictError` while somebody else does, and for what the provider refuses,
        `BillingAccountError` without an account, and `BillingUnavailableError`, after which it is
        tried again.
        """
        async with self._records.write(actor) as writer:
            await self._shelf(writer.connection, project_id)
            push = await pushes.take(writer, project_id, LEASE_SECONDS, due=False)
        if push is None:
            raise BillingAccountError
        return await self._attempt(push, actor)

    async def step(self) -> bool:
        """Push a catalogue that is due; return whether there was one."""
        async with self._records.read() as connection:
            due = await pushes.due(connection, self._clock.now(), 1)
        if not due:
            return False
        async with self._records.write(ACTOR) as writer:
            push = await pushes.take(writer, due[0], LEASE_SECONDS, due=True)
        if push is not None:
            try:
                await self._attempt(push, Actor(ACTOR))
            except BillingUnavailableError as exc:
                logger.warning("The catalogue of %s has to wait: %s", push.project_id, exc.code)
            except GatewayError as exc:
                logger.warning("The catalogue of %s was refused: %s", push.project_id, exc.detail)
        return True

    async def drift(self, project_id: str) -> list[Drift]:
        """Return what is otherwise at the provider than here; a push repairs it."""
        async with self._records.read() as connection:
            shelf = await self._shelf(connection, project_id)
        keys = [*shelf.wanted, *shelf.left_over]
        theirs = await _each(self._provider.listed(shelf.account, shelf.ref(key)) for key in keys)
        found = (
            difference(key, shelf.wanted.get(key), their)
            for key, their in zip(keys, theirs, strict=True)
        )
        return [each for each in found if each is not None]

    async def news(self, news: News) -> Effect | None:
        """Look after a product that was changed at the provider; a repair is due where it drifted."""
        async with self._records.read() as connection:
            sold = await prices.of_product(connection, news.account, news.ref)
        own = next((each for each in sold if each.kind in _KINDS), None)
        if own is None:
            return None
        key = (own.kind, own.ref)
        try:
            async with self._records.read() as connection:
                shelf = await self._shelf(connection, own.project_id)
            theirs = await self._provider.listed(shelf.account, shelf.ref(key))
        except BillingAccountError:
            # Nothing is sold there any more.
            return None
        drifted = difference(key, shelf.wanted.get(key), theirs) is not None
        return partial(self._note, shelf.project, drifted)

    async def _note(self, project: Project, drifted: bool, writer: Writer) -> Owner:
        push = await pushes.find(writer.connection, project.id)
        if drifted and push is not None and push.status is PushStatus.DONE:
            due = max(writer.now, (push.pushed_at or 0.0) + REPAIR_SECONDS)
            await pushes.touch(writer, project.id, due)
        return Owner(project.platform_id, project.id)

    async def _attempt(self, push: Push, actor: Actor) -> Pushed:
        try:
            async with self._records.read() as connection:
                shelf = await self._shelf(connection, push.project_id)
            listed = await self._list(shelf)
        except BillingUnavailableError as exc:
            wait = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(push.attempts, 16))
            async with self._records.write(ACTOR) as writer:
                await pushes.put_off(writer, push, wait, exc.detail)
            raise
        except GatewayError as exc:
            async with self._records.write(ACTOR) as writer:
                await pushes.fail(writer, push, exc.detail)
            raise
        async with self._records.write(actor) as writer:
            return await _take_over(writer, push, shelf, listed)

    async def _shelf(self, connection: AsyncConnection, project_id: str) -> _Shelf:
        project = await projects.find(connection, project_id)
        if project is None:
            raise BillingAccountError("The project was deleted.")
        owner = await accounts.of_platform(connection, project.platform_id, project.mode)
        if owner is None or owner.status is AccountStatus.DEAUTHORIZED:
            raise BillingAccountError
        wanted = for_sale(
            project_id,
            await tiers.of_project(connection, project_id),
            await products.of_project(connection, project_id),
        )
        on_sale = await prices.on_sale(connection, owner.account, project_id)
        return _Shelf(project, owner.account, wanted, tuple(on_sale))

    async def _list(self, shelf: _Shelf) -> dict[Key, Listed]:
        """Have the provider sell what is wanted and nothing else, or what it sold before."""
        provider, account, before = (
            self._provider,
            shelf.account,
            dict[Key, "CatalogueItem | None"](),
        )

        async def one(key: Key) -> Listed | None:
            item = shelf.wanted.get(key)
            before[key] = await provider.listed(account, shelf.ref(key))
            if item is not None:
                return await provider.list_item(account, item)
            await provider.withdraw_item(account, shelf.ref(key))
            return None

        keys = [*shelf.wanted, *shelf.left_over]
        try:
            listed = await _each(one(key) for key in keys)
        except (BillingUnavailableError, BillingAccountError):
            raise
        except GatewayError:
            await self._restore(shelf, before)
            raise
        return {key: each for key, each in zip(keys, listed, strict=True) if each is not None}

    async def _restore(self, shelf: _Shelf, before: Mapping[Key, CatalogueItem | None]) -> None:
        for key, item in before.items():
            if item is None:
                await self._provider.withdraw_item(shelf.account, shelf.ref(key))
            else:
                await self._provider.list_item(shelf.account, item)


async def _take_over(
    writer: Writer, push: Push, shelf: _Shelf, listed: Mapping[Key, Listed]
) -> Pushed:
    """Have new buyers get what the provider listed, all at once."""
    sold = [price for key in listed for price in _prices(shelf, key, listed[key])]
    kept = {(price.kind, price.ref) for price in sold}
    withdrawn = [old for old in shelf.on_sale if (old.kind, old.ref) not in kept]
    for old in withdrawn:
        await prices.withdraw(writer, shelf.account, old)
    for price in sold:
        await prices.put(writer, shelf.account, price)
    ids = {key: ProviderIds(each.price_id, each.product_id) for key, each in listed.items()}
    project = shelf.project.id
    await tiers.identify(writer, project, _of_kind(PriceKind.TIER, ids))
    await products.identify(writer, project, _of_kind(PriceKind.PRODUCT, ids))
    await pushes.finish(writer, push, writer.now + CHECK_SECONDS)
    if {*sold} != {*shelf.on_sale}:
        details = {"onSale": len(sold), "withdrawn": len(withdrawn)}
        await writer.audit("catalogue.push", project, details, project=project)
    return Pushed(tuple(sold), tuple((old.kind, old.ref) for old in withdrawn))


def _prices(shelf: _Shelf, key: Key, listed: Listed) -> list[Price]:
    """Return an item's own price and, if it has one, that of use beyond what it includes."""
    kind, ref = key
    item = shelf.wanted[key]
    own = Price(
        price_id=listed.price_id,
        project_id=shelf.project.id,
        kind=kind,
        ref=ref,
        amount=item.amount,
        currency=item.currency,
        interval=item.interval,
        meter=None,
        current=True,
        provider_product_id=listed.product_id,
    )
    if listed.overage_price_id is None:
        return [own]
    overage = own._replace(
        kind=PriceKind.OVERAGE,
        price_id=listed.overage_price_id,
        amount=item.overage or 0,
        meter=listed.meter,
    )
    return [own, overage]


def _of_kind(kind: PriceKind, ids: Mapping[Key, ProviderIds]) -> dict[str, ProviderIds]:
    return {ref: each for (of, ref), each in ids.items() if of is kind}


async def _each(asked: Iterable[Awaitable[T]]) -> list[T]:
    """Return the answers in order, a few asked at a time; raise the first failure once all are done."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[T]) -> T:
        async with free:
            return await each

    answers = await asyncio.gather(*map(one, asked), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
