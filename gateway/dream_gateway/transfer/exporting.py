"""Everything of one platform as lines: what is not deleted, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from dream_gateway.errors import NotFoundError
from dream_gateway.model import Customer
from dream_gateway.records import tiers as tier_queries
from dream_gateway.records.platforms import refused
from dream_gateway.records.rows import customer_of, project_of
from dream_gateway.records.schema import developers, end_users, memberships, platforms, projects
from dream_gateway.storage import Quota
from dream_gateway.subjects import Subject, templates
from dream_gateway.transfer.bundles import HEAD, USAGE, VERSION
from dream_gateway.transfer.parts import (
    CUSTOMER,
    MEMBER,
    OF_A_PLATFORM,
    OF_A_PROJECT,
    PROJECT,
    RECORD,
    line_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.counter import Counter
    from dream_gateway.storage import Ledger
    from dream_gateway.transfer.parts import Part

AT_ONCE = 500
"""Counters asked for at once."""


class Exporter:
    """Reads one platform inside a read transaction; usage as of `now`."""

    def __init__(
        self, connection: AsyncConnection, ledger: Ledger, now: float, *, digests: bool
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._now = now
        self._digests = digests

    async def lines(self, platform: str) -> AsyncIterator[dict[str, object]]:
        """Yield the lines: the platform's own, then project by project. Raises `NotFoundError`."""
        if not await self._rows(OF_A_PLATFORM[0], platform):
            raise NotFoundError(f"There is no platform {platform!r}.")
        yield {RECORD: HEAD, "version": VERSION, "platformId": platform}
        for part in OF_A_PLATFORM:
            rows = await self._rows(part, platform)
            for row in rows:
                yield line_of(part, row, digests=self._digests)
        found = await self._rows(PROJECT, platform)
        known = {row["id"] for row in found}
        for row in found:
            line = line_of(PROJECT, row, digests=self._digests)
            if row["promoted_from"] not in known:
                line["promotedFrom"] = None
            yield line
            async for each in self._of_project(row):
                yield each

    async def _of_project(self, project: RowMapping) -> AsyncIterator[dict[str, object]]:
        people: list[RowMapping] = []
        for part in OF_A_PROJECT[1:]:
            rows = await self._rows(part, project["id"])
            people = rows if part is CUSTOMER else people
            for row in rows:
                yield line_of(part, row, digests=self._digests)
        async for line in self._usage(project, [customer_of(row) for row in people]):
            yield line

    async def _rows(self, part: Part, owner: str) -> list[RowMapping]:
        result = await self._connection.execute(_query(part, owner))
        return list(result.mappings())

    async def _usage(
        self, row: RowMapping, people: Sequence[Customer]
    ) -> AsyncIterator[dict[str, object]]:
        """Yield what was used of every quota in the period that is now."""
        project = project_of(row, ())
        by_name = {t.name: t for t in await tier_queries.of_project(self._connection, project.id)}
        nobody = Customer("", project.id, "", "", self._now, self._now)
        asked: list[tuple[str | None, Counter]] = [
            (None, counter)
            for counter in templates(Subject(project, nobody, None, None), self._now)
            if isinstance(counter.rule, Quota)
        ]
        for customer in people:
            subject = Subject(project, customer, by_name.get(customer.plan), None)
            asked += [
                (customer.id, counter)
                for counter in templates(subject, self._now)
                if isinstance(counter.rule, Quota) and not counter.name.startswith("project-")
            ]
        for at in range(0, len(asked), AT_ONCE):
            chunk = asked[at : at + AT_ONCE]
            tallies = await self._ledger.usage([counter.key for _, counter in chunk])
            for (owner, counter), tally in zip(chunk, tallies, strict=True):
                # What is out on lease may be spent by now: it counts as used.
                if tally.used + tally.out:
                    yield _usage_line(project.id, owner, counter, tally.used + tally.out)


def _query(part: Part, owner: str) -> Select[Any]:
    """Return the query for what an owner has of a part, in the order of creation."""
    table = part.table
    query = select(table).where(table.c[part.owner] == owner)
    if part is MEMBER:
        # A member is one by their address: whoever signs in with it is let in.
        address = func.coalesce(memberships.c.email, developers.c.email)
        others = [column for column in table.columns if column.name != "email"]
        query = select(*others, address.label("email")).where(address.is_not(None))
        query = query.join_from(memberships, developers, isouter=True)
        query = query.where(table.c[part.owner] == owner)
    if "deleted_at" in table.c:
        query = query.where(table.c.deleted_at.is_(None))
    if part.of_customer:
        there = select(end_users.c.id).where(end_users.c.deleted_at.is_(None))
        whose = table.c.customer_id
        query = query.where(or_(whose.is_(None), whose.in_(there)))
    if part is PROJECT:
        query = query.add_columns(refused()).join_from(projects, platforms)
    names = ("position",) if "position" in table.c else part.unique[0]
    return query.order_by(*(table.c[name] for name in names))


def _usage_line(
    project: str, customer: str | None, counter: Counter, used: int
) -> dict[str, object]:
    *_, interval, start = counter.key.split("/")
    return {
        RECORD: USAGE,
        "projectId": project,
        "customerId": customer,
        "name": counter.name,
        "interval": interval,
        "periodStart": int(start),
        "periodEnd": counter.period.end if counter.period is not None else None,
        "used": used,
    }
