"""Tells of customers whose usage passed a share of their quota: each share once in a period.

Nothing here is on the way of a request. Before a worker gives idle leases back, it notes the counters
it holds that may be near their limit (`look`); a little later the ledger is asked what is really used
of them (`turn`). What was counted by a worker that died, and never looked at, is found by one worker
that goes over all customers every so often (`round`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.records import chores, customers, messages, projects, thresholds, tiers
from dream_gateway.records import webhook_endpoints as endpoints
from dream_gateway.records.messages import MessageType, instant
from dream_gateway.storage import Quota
from dream_gateway.subjects import Subject, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Counter
    from dream_gateway.model import Customer
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.storage import Ledger, Tally

ACTOR = "usage"
PERCENTS = (80, 100)
WANTED_SECONDS = 5.0
"""After how long a new endpoint's project is watched at the latest."""

ROUND_SECONDS = 600.0
ROUND = "usage thresholds"
AT_ONCE = 200
"""Counters that the ledger is asked about at once, and customers that are read at once."""

REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Watched:
    """A customer's quota counter; `key` names project, customer, quota, interval and start."""

    key: str
    limit: int
    period_end: int | None

    @property
    def owner(self) -> tuple[str, str]:
        """The project's and the customer's ids."""
        project, customer, _ = self.key.split("/", 2)
        return project, customer

    @property
    def interval(self) -> str:
        """How long its periods are."""
        return self.key.rsplit("/", 2)[1]

    @property
    def start(self) -> int:
        """When its period began, in seconds since the epoch."""
        return int(self.key.rpartition("/")[2])

    def passed(self, used: int) -> list[int]:
        """Return the shares, in percent, that this usage has reached."""
        return [percent for percent in PERCENTS if used * 100 >= percent * self.limit]


class UsageWatch:
    """Watches usage from one worker. Used from one event loop.

    What needs a store raises `StoreUnavailableError`; the next turn takes it up again.
    """

    def __init__(self, records: Records, ledger: Ledger, clock: Clock) -> None:
        self._records = records
        self._ledger = ledger
        self._clock = clock
        self._projects: frozenset[str] = frozenset()
        self._asked_at = -WANTED_SECONDS
        self._near: dict[str, Watched] = {}
        self._told: dict[str, int] = {}

    def look(self, held: Iterable[Counter]) -> None:
        """Note which counters may have reached a share that is not told. Never blocks."""
        if not self._projects:
            return
        for counter in held:
            watched = _watched(counter) if _is_near(counter) else None
            if watched is None or watched.owner[0] not in self._projects:
                continue
            if self._told.get(watched.key, 0) < PERCENTS[-1]:
                self._near[watched.key] = watched

    async def turn(self) -> None:
        """Tell what was noted, as far as the ledger bears it out."""
        now = self._clock.monotonic()
        if now - self._asked_at >= WANTED_SECONDS:
            async with self._records.read() as connection:
                self._projects = await endpoints.wanting(connection, MessageType.USAGE_THRESHOLD)
            self._asked_at = now
        near = list(self._near.values())
        for at in range(0, len(near), AT_ONCE):
            some = near[at : at + AT_ONCE]
            for watched, tally in await self._check(some):
                if not self._is_news(watched, tally.used + tally.out):
                    # What is on lease can bring it no further either.
                    self._near.pop(watched.key, None)

    async def round(self) -> None:
        """Look at every customer of the projects that want to know, if that is due and ours to do."""
        if not self._projects:
            return
        async with self._records.write(ACTOR) as writer:
            if not await chores.begin(writer, ROUND, ROUND_SECONDS):
                return
        for project_id in sorted(self._projects):
            after: str | None = None
            while True:
                page, found = await self._page(project_id, after)
                await self._check(found)
                if len(page) < AT_ONCE:
                    break
                after = page[-1].id

    async def _page(
        self, project_id: str, after: str | None
    ) -> tuple[list[Customer], list[Watched]]:
        """Return a page of a project's customers, and what is to be watched of them now."""
        async with self._records.read() as connection:
            project = await projects.find(connection, project_id)
            if project is None:
                return [], []
            by_name = {tier.name: tier for tier in await tiers.of_project(connection, project_id)}
            page = await customers.page(connection, project_id, after, AT_ONCE)
        now = self._clock.now()
        counters = [
            counter
            for each in page
            for counter in templates(Subject(project, each, by_name.get(each.plan), None), now)
        ]
        found = [_watched(counter) for counter in counters]
        return page, [watched for watched in found if watched is not None]

    async def _check(self, some: Sequence[Watched]) -> list[tuple[Watched, Tally]]:
        """Ask the ledger about counters, tell what is news, and return what the ledger said."""
        tallies = await self._ledger.usage([watched.key for watched in some])
        checked = list(zip(some, tallies, strict=True))
        news = [watched for watched, tally in checked if self._is_news(watched, tally.used)]
        if news:
            await self._recall(news)
        for watched, tally in checked:
            if self._is_news(watched, tally.used):
                await self._tell(watched, tally.used)
        return checked

    def _is_news(self, watched: Watched, used: int) -> bool:
        """Tell whether this usage has reached a share that is not known to be told."""
        passed = watched.passed(used)
        return bool(passed) and self._told.get(watched.key, 0) < passed[-1]

    async def _recall(self, some: Sequence[Watched]) -> None:
        """Learn what others told."""
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        async with self._records.read() as connection:
            self._told |= await thresholds.told(connection, [watched.key for watched in some])

    async def _tell(self, watched: Watched, used: int) -> None:
        passed = watched.passed(used)
        async with self._records.write(ACTOR) as writer:
            for percent in passed:
                await _tell_once(writer, watched, percent, used)
        self._told[watched.key] = passed[-1]


async def _tell_once(writer: Writer, watched: Watched, percent: int, used: int) -> None:
    project_id, customer_id = watched.owner
    customer = await customers.by_id(writer.connection, project_id, customer_id)
    if customer is None:
        return
    if await thresholds.claim(writer, watched.key, percent, watched.period_end):
        cause = f"{MessageType.USAGE_THRESHOLD}:{percent}:{watched.key}"
        data = _data(watched, customer, percent, used)
        await messages.tell(writer, project_id, MessageType.USAGE_THRESHOLD, cause, data)


def _is_near(counter: Counter) -> bool:
    limit = _limit(counter)
    return limit is not None and counter.used() * 100 >= PERCENTS[0] * limit


def _limit(counter: Counter) -> int | None:
    """Return the units that shares are of, `None` where there are none."""
    return counter.included or counter.rule.limit or None


def _watched(counter: Counter) -> Watched | None:
    """Return a counter as it is watched, `None` unless it is a customer's quota with a limit."""
    rule, limit = counter.rule, _limit(counter)
    if not isinstance(rule, Quota) or limit is None or not counter.name.startswith("quota"):
        return None
    return Watched(counter.key, limit, rule.period_end)


def _data(watched: Watched, customer: Customer, percent: int, used: int) -> Mapping[str, object]:
    end = watched.period_end
    return {
        "customerId": customer.id,
        "externalId": customer.external_id,
        "plan": customer.plan,
        "threshold": percent,
        "usageCount": used,
        "limit": watched.limit,
        "interval": watched.interval,
        "remaining": max(0, watched.limit - used),
        "periodStart": instant(watched.start),
        "periodEnd": None if end is None else instant(end),
    }
