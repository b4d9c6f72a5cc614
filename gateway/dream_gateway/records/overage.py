"""Queries about what is to be paid beyond what is included: marks, and reports on their way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, func, insert, select, update

from dream_gateway.errors import ConflictError
from dream_gateway.model import Mode
from dream_gateway.payments import Account, SubscriptionStatus
from dream_gateway.records import projects
from dream_gateway.records.billing_schema import overage_marks, overage_reports, payers, prices
from dream_gateway.records.prices import PriceKind
from dream_gateway.records.rows import customer_of, tier_of
from dream_gateway.records.schema import end_users, subscriptions, tiers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Customer, Project, Tier
    from dream_gateway.records.database import Writer

GIVING = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
"""Whose overage is paid: of what is over, or not paid for at all, nothing can be billed."""


class ReportStatus(StrEnum):
    """How far a report is: `PARKED` is one that the provider will not take."""

    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"


class Payable(NamedTuple):
    """A customer whose use beyond the limit is paid, and where it is reported to.

    `since` is when they came to be on the tier as it is, and to pay for it; `anchor_since` when their
    anchor was set, which begins counters that nobody used before.
    """

    position: int
    project: Project
    customer: Customer
    tier: Tier
    account: Account
    meter: str
    payer_id: str
    since: float
    anchor_since: float


@dataclass(frozen=True, slots=True)
class Marked:
    """How far a counter is accounted for: see `billing.overage.Mark`."""

    counter: str
    project_id: str
    customer_id: str
    period_start: float
    period_end: float | None
    accounted: int
    since: float
    closed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The units after `before`, up to `upto`, of a counter: all of them are to be paid."""

    identifier: str
    project_id: str
    customer_id: str
    account_id: str
    live: bool
    meter: str
    payer_id: str
    counter: str
    before: int
    upto: int
    at: float
    due_at: float
    status: ReportStatus = ReportStatus.PENDING
    attempts: int = 0
    tried_at: float | None = None
    fault: str | None = None
    sent_at: float | None = None

    @property
    def account(self) -> Account:
        """Whose money it is."""
        return Account(self.account_id or None, self.live)

    @property
    def units(self) -> int:
        """How many units it is about."""
        return self.upto - self.before


class Sums(NamedTuple):
    """The units of a meter's reports in some span of time, by how far they are."""

    pending: int = 0
    sent: int = 0
    parked: int = 0


async def payable(
    connection: AsyncConnection, after: int, limit: int, project_id: str | None = None
) -> list[Payable]:
    """Return at most `limit` customers whose overage is paid, from the one after a position."""
    query = _payable().where(end_users.c.position > after)
    if project_id is not None:
        query = query.where(end_users.c.project_id == project_id)
    rows = (await connection.execute(query.limit(limit))).mappings().all()
    owners = {row["project_id"] for row in rows}
    there = {owner: await projects.find(connection, owner) for owner in sorted(owners)}
    # Of two subscriptions to the same tier, one is as good as the other.
    found = {row["position"]: (row, there[row["project_id"]]) for row in rows}
    return [_found(row, project) for row, project in found.values() if project is not None]


async def marks(connection: AsyncConnection, counters: Collection[str]) -> dict[str, Marked]:
    """Return the marks of these counters."""
    query = select(overage_marks).where(overage_marks.c.counter.in_(list(counters)))
    rows = (await connection.execute(query)).mappings()
    return {row["counter"]: _marked(row) for row in rows}


async def mark(writer: Writer, before: Marked | None, after: Marked) -> None:
    """Put a mark in the place of the last one. Raises `ConflictError` if that is not there any more."""
    run = writer.connection.execute
    if before is None:
        await run(insert(overage_marks).values(asdict(after)))
        return
    columns = overage_marks.c
    there = (columns.counter == before.counter) & (columns.accounted == before.accounted)
    done = await run(update(overage_marks).where(there).values(asdict(after)))
    if done.rowcount != 1:
        raise ConflictError("Somebody else has accounted for the counter meanwhile.")


async def add(writer: Writer, report: Report) -> None:
    """Have a report sent. Of the same units there is one only: see `Records.write`."""
    await writer.connection.execute(insert(overage_reports).values(asdict(report)))


async def is_due(connection: AsyncConnection, now: float) -> bool:
    """Return whether there are reports to send."""
    return (await connection.execute(_due(now, 1))).first() is not None


async def take_due(writer: Writer, limit: int, lease_seconds: float) -> list[Report]:
    """Take reports that are to be sent, as they were: nobody else does so for a while."""
    locked = _due(writer.now, limit).with_for_update(skip_locked=True)
    found = [_report(row) for row in (await writer.connection.execute(locked)).mappings()]
    query = update(overage_reports).where(
        overage_reports.c.identifier.in_([each.identifier for each in found])
    )
    tried = func.coalesce(overage_reports.c.tried_at, writer.now)
    await writer.connection.execute(
        query.values(
            due_at=writer.now + lease_seconds,
            attempts=overage_reports.c.attempts + 1,
            tried_at=tried,
        )
    )
    return found


async def settle(writer: Writer, report: Report, fault: str | None = None) -> None:
    """Note that the provider has a report, or why it never will."""
    status = ReportStatus.SENT if fault is None else ReportStatus.PARKED
    await _set(writer, report, status=status, fault=fault, sent_at=writer.now)


async def put_off(writer: Writer, report: Report, seconds: float, fault: str) -> None:
    """Try a report again after a while."""
    await _set(writer, report, due_at=writer.now + seconds, fault=fault)


async def unpark(writer: Writer, project_id: str | None) -> int:
    """Have parked reports, of one project or of all, tried again; return how many there were."""
    here = overage_reports.c.status == ReportStatus.PARKED
    if project_id is not None:
        here &= overage_reports.c.project_id == project_id
    values = {"status": ReportStatus.PENDING, "due_at": writer.now, "fault": None, "sent_at": None}
    done = await writer.connection.execute(update(overage_reports).where(here).values(values))
    return done.rowcount


async def sums(
    connection: AsyncConnection, account: Account, meter: str, payer_id: str, span: Sequence[float]
) -> Sums:
    """Return the units of a payer's reports to a meter whose instant is in `[start, end)`."""
    start, end = span
    columns = overage_reports.c
    units = func.sum(columns.upto - columns.before)
    query = select(columns.status, units).where(
        columns.account_id == (account.id or ""),
        columns.meter == meter,
        columns.payer_id == payer_id,
        columns.at >= start,
        columns.at < end,
    )
    rows = await connection.execute(query.group_by(columns.status))
    return Sums(**{str(status): int(total) for status, total in rows})


def _due(now: float, limit: int) -> Select[tuple[object, ...]]:
    columns = overage_reports.c
    query = select(overage_reports).where(
        columns.status == ReportStatus.PENDING, columns.due_at <= now
    )
    return query.order_by(columns.due_at).limit(limit)


async def _set(writer: Writer, report: Report, **values: object) -> None:
    query = update(overage_reports).where(overage_reports.c.identifier == report.identifier)
    await writer.connection.execute(query.values(**values))


def _payable() -> Select[tuple[object, ...]]:
    """Return the query for customers whose subscription to a tier has the meter of its overage."""
    pays = and_(
        subscriptions.c.customer_id == end_users.c.id,
        subscriptions.c.plan == end_users.c.plan,
        subscriptions.c.status.in_(GIVING),
        subscriptions.c.metered,
    )
    metered = and_(
        prices.c.account_id == subscriptions.c.account_id,
        prices.c.project_id == end_users.c.project_id,
        prices.c.kind == PriceKind.OVERAGE,
        prices.c.ref == end_users.c.plan,
        prices.c.current,
        prices.c.meter.is_not(None),
    )
    known = and_(
        payers.c.customer_id == end_users.c.id, payers.c.account_id == subscriptions.c.account_id
    )
    on = and_(tiers.c.project_id == end_users.c.project_id, tiers.c.name == end_users.c.plan)
    return (
        select(
            end_users,
            tiers.c.definition,
            tiers.c.overage_since,
            subscriptions.c.account_id,
            subscriptions.c.created_at.label("paying_since"),
            prices.c.meter,
            payers.c.payer_id,
        )
        .join_from(end_users, subscriptions, pays)
        .join(tiers, on)
        .join(prices, metered)
        .join(payers, known)
        .where(end_users.c.deleted_at.is_(None))
        .order_by(end_users.c.position, subscriptions.c.position)
    )


def _found(row: RowMapping, project: Project) -> Payable:
    return Payable(
        position=row["position"],
        project=project,
        customer=customer_of(row),
        tier=tier_of(row),
        account=Account(row["account_id"] or None, project.mode is Mode.LIVE),
        meter=row["meter"],
        payer_id=row["payer_id"],
        since=max(row["plan_since"], row["overage_since"], row["paying_since"]),
        anchor_since=row["anchor_since"],
    )


def _report(row: RowMapping) -> Report:
    return Report(**{**row, "live": bool(row["live"]), "status": ReportStatus(row["status"])})


def _marked(row: RowMapping) -> Marked:
    return Marked(**{**row, "closed": bool(row["closed"])})
