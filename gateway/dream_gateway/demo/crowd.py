"""A crowd for the demo and for tests: customers with keys, subscriptions and months of usage.

Everything is made up from numbers, the same each time, and written in few statements. Nobody knows the
secrets of the keys, and the addresses are of a domain that is nobody's (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from dream_gateway import keys
from dream_gateway.demo import crowd_history, crowd_sales
from dream_gateway.demo.bulk import insert_all
from dream_gateway.model import KeyKind, KeyStatus, Subscription
from dream_gateway.periods import period
from dream_gateway.records import projects, tiers
from dream_gateway.records.rollup_schema import customer_usage
from dream_gateway.records.rows import customer_of, plain
from dream_gateway.records.schema import api_keys, end_users, subscriptions
from dream_gateway.series import Granularity
from dream_gateway.storage import Claim, Quota, Return, shard_of
from dream_gateway.subjects import Subject, templates
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.model import Mode, Project, Tier
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.storage import Ledger

ACTOR = "demo"
DAY = 86_400
CLAIMS_AT_ONCE = 1_000
RECENT_DAYS = 20
"""What was used in so many days is what is used of the current quota."""

TIERS = (
    replace(
        parse_tier("free=1000/month@10/s"),
        display_name="Free",
        features=("1,000 requests a month",),
    ),
    replace(
        parse_tier("starter=25000/month@25/s"),
        display_name="Starter",
        price=1_900,
        features=("25,000 requests a month", "Mail support"),
    ),
    replace(
        parse_tier("pro=250000/month@100/s"),
        display_name="Pro",
        price=9_900,
        popular=True,
        trial_days=14,
        features=("250,000 requests a month", "Support within a day"),
    ),
    replace(
        parse_tier("scale=unlimited/month"),
        display_name="Scale",
        price=49_900,
        features=("As many requests as you like",),
    ),
)
BY_NUMBER = (*["free"] * 14, *["starter"] * 4, "pro", "scale")
"""The tiers of twenty customers, one after another."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many customers, since when, and how many webhook events and orders.

    Of the last `hours` there are minutes, too.
    """

    customers: int = 10_000
    days: int = 90
    hours: int = 36
    events: int = 500
    orders: int = 240


async def populate(
    records: Records, ledger: Ledger, project_id: str, crowd: Crowd | None = None
) -> None:
    """Add a crowd to a project, and the tiers that it is on, in one transaction.

    A second crowd in one project is a `ConflictError`.
    """
    crowd = crowd or Crowd()
    async with records.write(ACTOR) as writer:
        project = await projects.find(writer.connection, project_id)
        if project is None:
            raise LookupError(project_id)
        offered = await _offer(writer, project)
        people = [_person(project, number, crowd, writer.now) for number in range(crowd.customers)]
        await _insert(writer, project.mode, people)
        customers = [person.customer for person in people]
        subscribed = [person.subscription for person in people if person.subscription]
        await crowd_sales.add(
            writer, project, (customers, subscribed), (crowd.events, crowd.orders)
        )
        await crowd_history.add(writer, project.id, crowd.days, crowd.hours)
    await _charge(records, ledger, project, offered, writer.now)


async def _offer(writer: Writer, project: Project) -> dict[str, Tier]:
    there = {tier.name: tier for tier in await tiers.of_project(writer.connection, project.id)}
    for tier in TIERS:
        if tier.name not in there:
            await tiers.put(writer, project.id, tier)
            there[tier.name] = tier
    return there


@dataclass(frozen=True, slots=True)
class Person:
    """A customer's row, and that of their subscription if they have one."""

    customer: dict[str, Any]
    subscription: dict[str, Any] | None


def _person(project: Project, number: int, crowd: Crowd, now: float) -> Person:
    # A third of them came within the days.
    created_at = now - 3 * crowd.days * DAY * (1.0 - (number + 1) / crowd.customers) - 1.0
    plan = BY_NUMBER[number % len(BY_NUMBER)]
    customer: dict[str, Any] = {
        "id": keys.id_from("cus", project.id, str(number)),
        "project_id": project.id,
        "external_id": f"user-{number:05}",
        "plan": plan,
        "anchor": created_at,
        "created_at": created_at,
        "email": f"user-{number:05}@example.com",
        "metadata": {"region": ("eu", "us", "ap")[number % 3]},
        "subscription": None,
    }
    if plan == "free":
        return Person(customer, None)
    return _subscribed(customer, number, now)


def _subscribed(customer: dict[str, Any], number: int, now: float) -> Person:
    tier = next(tier for tier in TIERS if tier.name == customer["plan"])
    span = period(customer["anchor"], tier.billing_interval, now)
    row = crowd_sales.subscription(customer, tier, span, number)
    customer["subscription"] = plain(
        Subscription(
            plan=tier.name,
            status=row["status"],
            current_period_end=row["period_end"],
            cancel_at=row["cancel_at"],
            canceled_at=row["canceled_at"],
            trial_end=row["trial_end"],
        )
    )
    if row["ended_at"] is not None:
        customer["plan"] = "free"
    return Person(customer, row)


async def _insert(writer: Writer, mode: Mode, people: list[Person]) -> None:
    into = writer.connection
    await insert_all(into, end_users, [person.customer for person in people])
    await insert_all(into, api_keys, [_key(mode, person.customer, writer.now) for person in people])
    rows = [person.subscription for person in people if person.subscription is not None]
    await insert_all(into, subscriptions, rows)


def _key(mode: Mode, customer: dict[str, Any], now: float) -> dict[str, Any]:
    # What has this digest is no key: there is none to guess.
    digest = sha256(f"crowd/{customer['id']}".encode()).digest()
    return {
        "id": keys.id_from("key", customer["id"]),
        "digest": digest,
        "kind": KeyKind.CUSTOMER.value,
        "project_id": customer["project_id"],
        "customer_id": customer["id"],
        "prefix": f"{KeyKind.CUSTOMER}_{mode}_",
        "last4": digest.hex()[:4],
        "name": "default",
        "scopes": [],
        "status": KeyStatus.ACTIVE.value,
        "allowed_ips": [],
        "metadata": {},
        "created_at": customer["created_at"],
        "last_used_at": max(customer["created_at"], now - digest[0] / 128 * DAY),
    }


async def _charge(
    records: Records, ledger: Ledger, project: Project, offered: dict[str, Tier], now: float
) -> None:
    """Have the ledger count what was used lately, by leases that are taken and spent."""
    found = customer_usage.c
    async with records.read() as connection:
        here = select(end_users).where(end_users.c.project_id == project.id)
        people = [customer_of(row) for row in (await connection.execute(here)).mappings()]
        query = select(found.customer_id, func.sum(found.units).label("units")).where(
            found.project_id == project.id,
            found.granularity == Granularity.DAY.value,
            found.start > now - RECENT_DAYS * DAY,
        )
        rows = await connection.execute(query.group_by(found.customer_id))
        used = {row.customer_id: int(row.units) for row in rows}
    claims = [
        claim
        for person in people
        for claim in _claims(
            Subject(project, person, offered[person.plan], None), used.get(person.id, 0), now
        )
    ]
    for at in range(0, len(claims), CLAIMS_AT_ONCE):
        some = claims[at : at + CLAIMS_AT_ONCE]
        await ledger.take(some)
        spent = [Return(each.lease, each.wanted, shard_of(each.counter)) for each in some]
        await ledger.give_back(spent)


def _claims(subject: Subject, used: int, now: float) -> Iterator[Claim]:
    for counter in templates(subject, now):
        rule = counter.rule
        if isinstance(rule, Quota):
            units = used if rule.limit is None else min(used, rule.limit)
            if units:
                lease = f"crowd-{subject.customer.id}-{counter.name}"
                yield Claim(lease, counter.key, rule, units, units)
