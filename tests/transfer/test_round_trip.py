"""What was exported is imported again as it was, on each engine: export(import(x)) == x."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dream_gateway.cli.importing import ROLES
from dream_gateway.command_stores import open_stores
from dream_gateway.errors import NotFoundError
from dream_gateway.model import Interval
from dream_gateway.periods import period
from dream_gateway.records.schema import end_users, projects
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.transfer.bundles import Bundles, Line
from dream_gateway.transfer.exporting import Exporter
from dream_gateway.transfer.importing import Importer
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.transfer.report import Report

Document = list[dict[str, Any]]
SALTS = count()
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
PLAIN = st.sampled_from(["", "a", "ß", "🔑", "a/b:c", "'; --"])
PAST = st.floats(0, 1_000_000_000, allow_nan=False)
JSON = st.dictionaries(
    TEXT, st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXT), max_size=2
)
LIMITS = st.one_of(st.none(), st.integers(0, 10**12))


class World:
    """A store with an importer and an exporter at one instant."""

    def __init__(self, records: Any, ledger: Any) -> None:
        self.clock = FakeClock()
        self._records = records
        self._ledger = ledger

    async def put(self, document: Document, *, dry: bool = False) -> Report:
        bundles = Bundles()
        bundles.add_all(Line(f"line {n}", line) for n, line in enumerate(document, 1))
        importer = Importer(
            self._records, self._ledger, Vault([]), self.clock, actor="test", dry=dry
        )
        return await importer.run(bundles)

    async def plans_since(self, platform: str) -> set[float]:
        owned = select(projects.c.id).where(projects.c.platform_id == platform)
        query = select(end_users.c.plan_since).where(end_users.c.project_id.in_(owned))
        async with self._records.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def get(self, platform: str, *, digests: bool = True) -> Document:
        async with self._records.read() as connection:
            exporter = Exporter(connection, self._ledger, self.clock.now(), digests=digests)
            lines = [line async for line in exporter.lines(platform)]
        # As another program would read them.
        written: Document = [msgspec.json.decode(msgspec.json.encode(line)) for line in lines]
        return written


@pytest.fixture
async def world(store: str) -> AsyncIterator[World]:
    async with open_stores(Settings(store=store), FakeClock(), ROLES) as (records, stores):
        yield World(records, stores.ledger())


def quota(limit: int | None, interval: str = "month") -> dict[str, Any]:
    return {"kind": "quota", "limit": limit, "interval": interval, "burst": None}


@st.composite
def tiers(draw: st.DrawFn, project: str) -> Document:
    found = []
    for name in draw(st.lists(TEXT, min_size=1, max_size=2, unique=True)):
        definition = {
            "name": name,
            "allowances": [
                quota(draw(LIMITS), draw(st.sampled_from(["hour", "month", "lifetime"]))),
                {"kind": "rate", "limit": 5, "interval": "second", "burst": 9},
            ],
            "display_name": draw(PLAIN),
            "price": draw(st.integers(0, 10**6)),
            "currency": "eur",
            "features": draw(st.lists(PLAIN, max_size=2)),
            "popular": draw(st.booleans()),
            "trial_days": draw(st.integers(0, 9)),
            "billing_interval": draw(st.sampled_from(["month", "year"])),
            "price_id": None,
            "product_id": None,
        }
        found.append(
            {"record": "tier", "projectId": project, "name": name, "definition": definition}
        )
    return found


@st.composite
def keys(draw: st.DrawFn, project: str, customer: str | None, name: str) -> dict[str, Any]:
    digest = sha256(name.encode()).hexdigest()
    return {
        "record": "key",
        "id": f"key_{digest[:20]}",
        "digest": digest,
        "kind": "sk" if customer is None else "ak",
        "projectId": project,
        "customerId": customer,
        "prefix": "ak_test_",
        "last4": "abcd",
        "name": draw(PLAIN),
        "scopes": draw(st.lists(PLAIN, max_size=2)),
        "status": draw(st.sampled_from(["active", "disabled", "revoked"])),
        "expiresAt": draw(st.one_of(st.none(), PAST)),
        "allowedIps": draw(st.lists(st.sampled_from(["10.0.0.0/8", "::1"]), max_size=1)),
        "rate": None,
        "metadata": draw(JSON),
        "createdAt": draw(PAST),
        "lastUsedAt": draw(st.one_of(st.none(), PAST)),
    }


def usage(project: str, customer: str | None, anchor: float, interval: str, used: int) -> Document:
    span = period(anchor, Interval(interval), FakeClock().now())
    line = {
        "record": "usage",
        "projectId": project,
        "customerId": customer,
        "name": "project-quota" if customer is None else "quota",
        "interval": interval,
        "periodStart": span.start,
        "periodEnd": span.end,
        "used": used,
    }
    return [line] if used else []


@st.composite
def people(draw: st.DrawFn, project: str, plans: Document) -> Document:
    customers: Document = []
    owned: Document = []
    subscriptions: Document = []
    links: Document = []
    spent: Document = []
    for number, name in enumerate(draw(st.lists(TEXT, max_size=3, unique=True))):
        plan = draw(st.sampled_from(plans))
        own = f"cus_{project}_{number}"
        customer = {
            "record": "customer",
            "id": own,
            "projectId": project,
            "externalId": name,
            "plan": plan["name"],
            "anchor": draw(PAST),
            "createdAt": draw(PAST),
            "email": draw(st.one_of(st.none(), PLAIN)),
            "firstName": draw(st.one_of(st.none(), PLAIN)),
            "lastName": None,
            "metadata": draw(JSON),
            "suspended": draw(st.booleans()),
        }
        customers.append(customer)
        owned += [draw(keys(project, own, f"{own} {n}")) for n in range(draw(st.integers(0, 2)))]
        if draw(st.booleans()):
            links.append(link(project, own, draw(TEXT)))
        if draw(st.booleans()):
            subscriptions.append(subscription(project, own, f"sub_{own}"))
        interval = plan["definition"]["allowances"][0]["interval"]
        used = draw(st.integers(0, 2**40))
        spent += usage(project, own, customer["anchor"], interval, used)
    owned.append(draw(keys(project, None, project)))
    return customers + owned + links + subscriptions + spent


def link(project: str, customer: str, subject: str) -> dict[str, Any]:
    return {
        "record": "identity",
        "id": f"lnk_{customer}",
        "projectId": project,
        "issuer": f"https://{customer}.example.com",
        "subject": subject,
        "customerId": customer,
        "createdAt": 0.0,
        "toldAt": 2.5,
    }


def subscription(project: str, customer: str, name: str) -> dict[str, Any]:
    return {
        "record": "subscription",
        "id": name,
        "projectId": project,
        "customerId": customer,
        "subscriptionId": f"stripe_{name}",
        "stripeCustomerId": None,
        "plan": "gone",
        "priceId": "price_1",
        "status": "past_due",
        "periodStart": 1.5,
        "periodEnd": 2.5,
        "cancelAt": None,
        "createdAt": 0.0,
        "accountId": "acct_1",
        "amount": 1999,
        "currency": "eur",
        "interval": "year",
        "intervalCount": 1,
        "quantity": 2,
        "canceledAt": 1.5,
        "endedAt": None,
        "trialEnd": None,
        "scheduledPlan": None,
        "scheduledAt": None,
        "pastDueSince": None,
        "askedAt": 1.0,
        "askAt": None,
    }


@st.composite
def project_of(draw: st.DrawFn, platform: str, number: int, source: str | None) -> Document:
    own = f"prj_{platform}_{number}"
    plans = draw(tiers(own))
    created = draw(PAST)
    head = {
        "record": "project",
        "id": own,
        "platformId": platform,
        "name": draw(PLAIN),
        "mode": draw(st.sampled_from(["test", "live"])),
        "defaultTier": plans[0]["name"],
        "alignment": "anniversary",
        "allowances": [quota(draw(LIMITS), "day")],
        "publishableKey": f"pk_{own}",
        "createdAt": created,
        "type": draw(st.sampled_from(["saas", "store"])),
        "branding": {"display_name": draw(PLAIN), "colours": {}, "logo_url": None},
        "promotedFrom": source,
    }
    origins = draw(st.sets(st.sampled_from(["https://a.example.com", "http://b:1"])))
    product = {
        "record": "product",
        "id": f"prd_{own}",
        "projectId": own,
        "name": draw(TEXT),
        "displayName": "",
        "description": draw(PLAIN),
        "price": draw(st.integers(0, 10**6)),
        "currency": "usd",
        "imageUrl": None,
        "inventory": draw(st.one_of(st.none(), st.integers(0, 9))),
        "soldOut": draw(st.booleans()),
        "features": [],
        "priceId": None,
        "productId": None,
        "createdAt": draw(PAST),
    }
    shared = usage(own, None, created, "day", draw(st.integers(0, 9)))
    persons = draw(people(own, plans))
    last = [line for line in persons if line["record"] == "usage"]
    others = [line for line in persons if line["record"] != "usage"]
    sites = [{"record": "origin", "projectId": own, "origin": each} for each in sorted(origins)]
    return [head, *sites, *plans, product, *others, *shared, *last]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A platform as it would be exported; its ids are like no other example's."""
    platform = f"plt_{next(SALTS)}"
    lines: Document = [
        {"record": "export", "version": 1, "platformId": platform},
        {
            "record": "platform",
            "id": platform,
            "name": draw(TEXT),
            "suspended": draw(st.booleans()),
            "createdAt": draw(PAST),
        },
        {
            "record": "member",
            "id": f"mem_{platform}",
            "platformId": platform,
            "email": "dev@example.com",
            "role": "owner",
            "createdAt": draw(PAST),
        },
        {
            "record": "stripeAccount",
            "id": f"stk_{platform}",
            "platformId": platform,
            "mode": "live",
            "accountId": "acct_1",
            "scope": None,
            "status": draw(st.sampled_from(["active", "deauthorized"])),
            "charges": draw(st.booleans()),
            "changedAt": draw(PAST),
            "createdAt": draw(PAST),
        },
    ]
    for name in draw(st.lists(TEXT, max_size=2, unique=True)):
        event = {"eventId": name, "type": None, "at": draw(PAST)}
        lines.append({"record": "event", "platformId": platform, **event})
    source = None
    for number in range(draw(st.integers(0, 2))):
        made = draw(project_of(platform, number, source))
        lines += made
        source = made[0]["id"]
    return lines


@given(documents())
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_an_export_that_is_imported_is_the_same_export(
    world: World, document: Document
) -> None:
    platform = document[0]["platformId"]
    expected = Counter(line["record"] for line in document if line["record"] != "export")
    planned = await world.put(document, dry=True)
    assert planned.refused == []
    done = await world.put(document)
    assert done.refused == []
    assert +done.created == +planned.created == expected
    assert await world.get(platform) == document
    # What was used until now was for another gateway to bill.
    assert await world.plans_since(platform) <= {world.clock.now()}

    again = await world.put(document)
    assert (again.refused, +again.created, +again.kept) == ([], Counter(), expected)
    assert await world.get(platform) == document
    bare = await world.get(platform, digests=False)
    assert bare == [{k: v for k, v in line.items() if k != "digest"} for line in document]


NOISE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.lists(st.none()), JSON
)


@given(documents(), st.data())
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_is_wrong_in_a_line_nothing_breaks_and_no_project_is_half_there(
    world: World, document: Document, data: st.DataObject
) -> None:
    """A field of any line made into anything: what is not refused is there, and can be read."""
    platform = document[0]["platformId"]
    projects = [line["id"] for line in document if line["record"] == "project"]
    line = data.draw(st.sampled_from(document))
    name = data.draw(st.sampled_from(sorted(line)))
    line[name] = data.draw(NOISE)
    report = await world.put(document)
    try:
        found = await world.get(platform)
    except NotFoundError:
        found = []
    if not report.refused:
        assert kinds(found) == kinds(document)
    for project in projects:
        if platform in report.left_out or project in report.left_out:
            assert [e for e in found if project in (e.get("projectId"), e.get("id"))] == []


def kinds(document: Document) -> Counter[str]:
    """Count the lines but for those of usage, which may have become one of another time."""
    return Counter(line["record"] for line in document if line["record"] != "usage")
