"""The second-level cache: what one node read from the records, others need not read again.

It must never bring back what has changed. Entries live for a bounded time in the shared cache, and a
worker remembers for longer than that what it heard was changed: such entries it does not take. So
nobody has to delete anything, no clocks are compared, and a writer that dies leaves nothing wrong. A
worker that has not followed the changes for as long takes nothing from the shared cache at all.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dream_gateway.errors import GatewayError
from dream_gateway.model import Credential, Customer, Project, Tier
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.hookspecs import Identified
    from dream_gateway.source import Source
    from dream_gateway.storage import Change, KeyValue

T = TypeVar("T")
logger = logging.getLogger(__name__)

LIFE_SECONDS = 60.0
"""How long an entry lives in the shared cache."""

FILL_SECONDS = 5.0
"""What took longer to read is not shared: it may be older than others remember changes for."""

MEMORY_SECONDS = LIFE_SECONDS + 2 * FILL_SECONDS
"""How long a change is remembered: no entry from before it is left by then."""

AWAY_SECONDS = 1.0
"""How long a shared cache that failed is left alone. Then one request tries it, and no other."""

FORMAT = "4"
"""Part of every key; entries of another layout are never read."""


class SharedSource:
    """The records behind a cache that nodes share. Used from one event loop.

    While the shared cache is away, everything is read from the records.
    """

    def __init__(self, source: Source, kv: KeyValue, clock: Clock) -> None:
        self._source = source
        self._kv = kv
        self._monotonic = clock.monotonic
        self._followed_from: float | None = None
        self._changed: dict[tuple[Subject, str], float] = {}
        self._away = False
        self._again = 0.0
        """When a shared cache that is away may be tried again, by the monotonic clock."""

    def following(self) -> None:
        """Take note that from now on every change is heard."""
        self._followed_from = self._monotonic()

    def lost(self) -> None:
        """Take note that changes may be missed from now on."""
        self._followed_from = None

    def heard(self, changes: Sequence[Change]) -> None:
        """Remember what has changed."""
        now = self._monotonic()
        for change in changes:
            if change.subject is Subject.ALL and self._followed_from is not None:
                self._followed_from = now
            # Taken out first, so that the oldest stay in front.
            self._changed.pop((change.subject, change.ref), None)
            self._changed[change.subject, change.ref] = now
        self._forget(now)

    async def credential(self, digest: bytes) -> Credential | None:
        """Return the key that has this digest."""
        found: Credential | None = await self._through(
            f"credential:{digest.hex()}",
            Credential,
            lambda: self._source.credential(digest),
            lambda value: (Subject.CREDENTIAL, value.id),
        )
        return found

    async def project(self, project_id: str) -> Project | None:
        """Return a project; suspended if its platform is."""
        found: Project | None = await self._through(
            f"project:{project_id}",
            Project,
            lambda: self._source.project(project_id),
            lambda _: (Subject.PROJECT, project_id),
        )
        return found

    async def tiers(self, project_id: str) -> dict[str, Tier]:
        """Return a project's tiers by name."""
        found = await self._through(
            f"tiers:{project_id}",
            dict[str, Tier],
            lambda: self._source.tiers(project_id),
            lambda _: (Subject.TIER, project_id),
        )
        return found or {}

    async def customer(self, project_id: str, ref: str) -> Customer | None:
        """Return a customer by external id or by id."""
        found: Customer | None = await self._through(
            f"customer:{project_id}:{ref}",
            Customer,
            lambda: self._source.customer(project_id, ref),
            lambda value: (Subject.CUSTOMER, value.id),
        )
        return found

    async def register(self, project_id: str, external_id: str, plan: str, now: float) -> Customer:
        """Return the customer of that external id, made if there is none."""
        return await self._source.register(project_id, external_id, plan, now)

    async def linked(self, project_id: str, who: Identified) -> str | None:
        """Return the id of the customer whom an identity is linked to, a deleted one's too."""
        return await self._source.linked(project_id, who)

    async def sign_up(self, project_id: str, who: Identified, plan: str) -> str:
        """Return the id of the customer of an identity, made and linked if there is none."""
        return await self._source.sign_up(project_id, who, plan)

    async def _through(
        self,
        key: str,
        kind: type[T],
        load: Callable[[], Awaitable[T | None]],
        about: Callable[[T], tuple[Subject, str]],
    ) -> T | None:
        """Return what the shared cache has of this, if that can be trusted; else load and share it."""
        name = f"dream-gateway:{FORMAT}:{key}"
        began = self._monotonic()
        if self._followed_from is not None and began - self._followed_from > MEMORY_SECONDS:
            kept = await self._get(name, kind)
            if kept is not None and not self._remembers(about(kept)):
                return kept
        began = self._monotonic()
        value = await load()
        # What is not there is not shared: it may come at any moment, without a change to name.
        if value and self._monotonic() - began < FILL_SECONDS:
            await self._put(name, value)
        return value

    async def _get(self, name: str, kind: type[T]) -> T | None:
        if self._leaves_alone():
            return None
        try:
            found = await self._kv.get(name)
            self._away = False
            return None if found is None else msgspec.msgpack.decode(found, type=kind)
        except GatewayError as exc:
            self._complain(exc)
        except msgspec.MsgspecError:
            logger.warning("The shared cache holds something that is not ours: %s", name)
        return None

    async def _put(self, name: str, value: object) -> None:
        if self._leaves_alone():
            return
        try:
            await self._kv.put(name, msgspec.msgpack.encode(value), LIFE_SECONDS)
            self._away = False
        except GatewayError as exc:
            self._complain(exc)

    def _leaves_alone(self) -> bool:
        """Tell whether the shared cache is away; once in a while, whoever asks has to find out."""
        if not self._away:
            return False
        now = self._monotonic()
        if now < self._again:
            return True
        self._again = now + AWAY_SECONDS
        return False

    def _complain(self, exc: GatewayError) -> None:
        """Say once that the shared cache is away."""
        if not self._away:
            logger.warning("The shared cache is away: %s", exc.code)
        self._away = True
        self._again = self._monotonic() + AWAY_SECONDS

    def _remembers(self, about: tuple[Subject, str]) -> bool:
        """Tell whether something changed lately enough for an older entry to be left."""
        self._forget(self._monotonic())
        return about in self._changed

    def _forget(self, now: float) -> None:
        """Drop changes that no entry can be older than."""
        while self._changed:
            oldest = next(iter(self._changed))
            if now - self._changed[oldest] <= MEMORY_SECONDS:
                return
            del self._changed[oldest]
