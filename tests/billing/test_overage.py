"""What is used beyond what is included: from `POST /api/data` to the meter of a fake Stripe."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from dream_gateway.administration import Administration
from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.billing.collector import EVERY_SECONDS, Collector
from dream_gateway.billing.outbox import KNOWN_AGAIN_SECONDS, LEASE_SECONDS, Outbox
from dream_gateway.billing.reconciliation import Reconciliation
from dream_gateway.errors import BillingNotConfiguredError
from dream_gateway.model import Actor, Allowance, AllowanceKind, Interval, Overage, Tier
from dream_gateway.records import accounts, customers, overage
from dream_gateway.records import subscriptions as mirror
from dream_gateway.records.billing_schema import overage_marks, overage_reports
from dream_gateway_stripe.testing import Moment

if TYPE_CHECKING:
    from tests.billing.test_kills import Victim
    from tests.billing.till import Till

    from dream_gateway.billing.reconciliation import Line
    from dream_gateway.payments import Account, UsageReport

INCLUDED = 100
METERED = Tier(
    "metered",
    (Allowance(AllowanceKind.QUOTA, INCLUDED, Interval.MONTH),),
    price=1_000,
    overage=Overage(50, 10),
)
DAY = 86_400.0
METER_EVENTS = "/v1/billing/meter_events"
STEPS = 50


class Meter:
    """A customer on a tier with overage, and who looks at them."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.account_id = till.account.id or ""
        provider, records, ledger = (
            till.engine.provider,
            till.gateway.records,
            till.gateway.stores.ledger(),
        )
        self.collector = Collector(records, ledger, till.clock)
        self.outbox = Outbox(provider, records, till.clock)
        self.reconciliation = Reconciliation(provider, records, ledger, till.clock)

    async def use(self, units: int) -> None:
        """Have units used, and every lease given back."""
        answer = await self.till.post("/api/data", cost=units)
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def settle(self) -> None:
        """Have every lease given back, as it is when nothing happens for a second."""
        subject = await self.till.gateway.admission.users.subject(self.till.project, "ada", None, 0)
        meter = self.till.gateway._meter
        assert meter is not None
        await meter.release(subject.counters)

    async def look(self) -> None:
        """Go round, once the last round is long enough ago."""
        self.till.clock.advance(EVERY_SECONDS)
        for _ in range(STEPS):
            if not await self.collector.step():
                return
        raise AssertionError("the round never ends")

    async def send(self) -> None:
        """Send what is due."""
        for _ in range(STEPS):
            if not await self.outbox.step():
                return
        raise AssertionError("the outbox never ends")

    async def reports(self) -> list[tuple[int, int, str]]:
        """Return what is reported: the units before and with it, and how far it is."""
        columns = overage_reports.c
        query = select(columns.before, columns.upto, columns.status).order_by(columns.upto)
        async with self.till.gateway.records.read() as connection:
            return [tuple(row) for row in await connection.execute(query)]

    async def lines(self) -> list[Line]:
        """Return what `billing reconcile` compares."""
        return [line async for line in self.reconciliation.lines(self.till.project.id)]

    def billed(self) -> int:
        """Return the units that Stripe has of this project's account."""
        usage = self.till.fake.world.usage
        return sum(
            each["value"]
            for (owner, _), each in usage.items()
            if owner == f"{self.account_id}/False"
        )


@pytest.fixture
async def meter(till: Till) -> Meter:
    await _sell(till)
    await till.subscribe("metered")
    assert await till.plan() == "metered"
    return Meter(till)


async def _sell(till: Till) -> None:
    """Have the tier on sale."""
    await Administration(till.gateway.records).set_tier(till.project.id, METERED)
    catalogue = Catalogue(till.engine.provider, till.gateway.records, till.clock)
    await catalogue.push(till.project.id, Actor("test"))


async def test_units_beyond_are_allowed_told_and_reported_once(meter: Meter) -> None:
    await meter.use(90)
    await meter.look()
    assert await meter.reports() == []
    await meter.use(35)
    usage = await meter.till.usage()
    assert (usage["usageCount"], usage["limit"], usage["overage"]) == (125, INCLUDED, 25)
    for _ in range(3):
        await meter.look()
        await meter.send()
    assert await meter.reports() == [(100, 125, "sent")]
    assert meter.billed() == 25
    await meter.use(5)
    await meter.look()
    await meter.send()
    assert meter.billed() == 30


async def test_what_was_used_before_the_tier_took_money_for_it_is_not_paid(meter: Meter) -> None:
    till, administration = meter.till, Administration(meter.till.gateway.records)
    roomy = replace(METERED, allowances=(replace(METERED.allowances[0], limit=1_000),))
    await administration.set_tier(till.project.id, roomy)
    await meter.use(500)
    await meter.look()
    till.clock.advance(1.0)
    await administration.set_tier(till.project.id, METERED)
    await meter.look()
    assert await meter.reports() == []
    await meter.use(7)
    await meter.look()
    assert await meter.reports() == [(500, 507, "pending")]


async def test_who_comes_to_the_tier_by_paying_pays_from_the_first_unit(till: Till) -> None:
    await _sell(till)
    # Used up what was free, under the periods of somebody who pays nothing.
    assert (await till.post("/api/data", cost=9)).status_code == 200
    till.clock.advance(10.0)
    begun = await till.choose("metered")
    till.fake.people.check_out(begun["sessionId"])
    till.clock.advance(10.0)
    await till.hear()
    meter = Meter(till)
    await meter.use(130)
    await meter.look()
    assert await meter.reports() == [(100, 130, "pending")]


async def test_who_is_put_on_it_within_a_period_pays_for_what_comes_then(till: Till) -> None:
    await _sell(till)
    await till.subscribe("pro")
    meter = Meter(till)
    await meter.use(600)
    till.clock.advance(10.0)
    await till.choose("metered")
    # The cheaper one comes with the next period; so it is made to come now.
    async with till.gateway.records.write("test") as writer:
        ada = await customers.named(writer.connection, till.project.id, "ada")
        assert ada is not None
        await customers.change(writer, replace(ada, plan="metered"))
        (row, *_) = await mirror.of_customer(writer.connection, ada.id)
        await mirror.put(writer, replace(row, plan="metered", metered=True))
    await meter.look()
    await meter.use(7)
    await meter.look()
    assert await meter.reports() == [(600, 607, "pending")]


async def test_who_pays_for_a_tier_from_before_it_had_a_meter_is_refused_until_they_choose_it_again(
    till: Till,
) -> None:
    administration = Administration(till.gateway.records)
    catalogue = Catalogue(till.engine.provider, till.gateway.records, till.clock)
    await administration.set_tier(till.project.id, replace(METERED, overage=None))
    await catalogue.push(till.project.id, Actor("test"))
    await till.subscribe("metered")
    await _sell(till)
    refused = await till.post("/api/data", cost=INCLUDED + 1)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    till.clock.advance(10.0)
    assert (await till.choose("metered"))["change"] == "now"
    meter = Meter(till)
    await meter.use(INCLUDED + 7)
    await meter.look()
    await meter.send()
    assert meter.billed() == 7


async def test_who_only_was_put_on_the_tier_pays_nothing(meter: Meter) -> None:
    made = {"email": "eve@example.com", "externalId": "eve", "plan": "metered"}
    assert (await meter.till.post("/api/customers", **made)).status_code == 201
    charged = await meter.till.post("/api/data", "eve", cost=500)
    assert charged.json()["usage"]["overage"] == 400
    await meter.look()
    assert await meter.reports() == []


async def test_units_of_a_period_that_ended_are_billed_in_it(meter: Meter) -> None:
    await meter.use(130)
    end = meter.till.clock.now() + 31 * DAY
    await meter.settle()
    meter.till.clock.advance(31 * DAY)
    await meter.look()
    await meter.send()
    assert await meter.reports() == [(100, 130, "sent")]
    (told,) = [u for (o, _), u in meter.till.fake.world.usage.items() if meter.account_id in o]
    assert told["timestamp"] < end - DAY / 2
    await meter.look()
    async with meter.till.gateway.records.read() as connection:
        closed = select(func.count()).where(overage_marks.c.closed)
        assert (await connection.execute(closed)).scalar() == 1
    assert meter.billed() == 30


@pytest.mark.long
async def test_killed_at_any_step_it_bills_once_and_loses_nothing(
    meter: Meter, victim: Victim
) -> None:
    used = 0
    for last in range(STEPS):
        used += 110
        await meter.use(110)
        meter.till.clock.advance(EVERY_SECONDS)
        died = await victim.dies(meter.till, last, "overage")
        # Another worker takes over, once the one that died cannot be at it any more.
        meter.till.clock.advance(LEASE_SECONDS)
        await meter.look()
        await meter.send()
        assert meter.billed() == used - INCLUDED, last
        if not died:
            break
    assert last > 8
    assert {status for *_, status in await meter.reports()} == {"sent"}


async def test_an_answer_that_is_lost_counts_once(meter: Meter) -> None:
    await meter.use(120)
    await meter.look()
    # The library itself tries a few times.
    meter.till.fake.fail(METER_EVENTS, times=10, status=0, moment=Moment.AFTER)
    await meter.send()
    assert await meter.reports() == [(100, 120, "pending")]
    meter.till.fake.api.troubles.clear()
    meter.till.clock.advance(LEASE_SECONDS)
    await meter.send()
    assert await meter.reports() == [(100, 120, "sent")]
    assert meter.billed() == 20


class DiedError(BaseException):
    """Ends a step as `kill -9` ends a process: nothing of what follows is done."""


@pytest.mark.parametrize("arrived", [True, False])
async def test_one_that_may_have_arrived_long_ago_is_looked_up_first(
    meter: Meter, monkeypatch: pytest.MonkeyPatch, *, arrived: bool
) -> None:
    provider = meter.till.engine.provider
    calls = 0

    async def report(account: Any, report: UsageReport) -> None:
        nonlocal calls
        calls += 1
        if arrived or calls > 1:
            await type(provider).report(provider, account, report)
        if calls == 1:
            raise DiedError

    await meter.use(120)
    await meter.look()
    monkeypatch.setattr(provider, "report", report)
    with suppress(DiedError):
        await meter.send()
    # So late that Stripe would count the identifier again.
    usage = meter.till.fake.world.usage
    if arrived:
        ((key, event),) = [(k, e) for k, e in usage.items() if meter.account_id in k[0]]
        usage[key[0], "forgotten"] = usage.pop(key) | {"identifier": "forgotten"}
        assert event["value"] == 20
    meter.till.clock.advance(KNOWN_AGAIN_SECONDS)
    await meter.send()
    assert await meter.reports() == [(100, 120, "sent")]
    assert meter.billed() == 20
    assert calls == (1 if arrived else 2)


async def test_many_workers_at_once_report_each_unit_once(meter: Meter) -> None:
    others = [Meter(meter.till) for _ in range(4)]
    for _ in range(5):
        await meter.use(90)
        meter.till.clock.advance(EVERY_SECONDS)
        await asyncio.gather(*(_go_round(each) for each in others))
        await asyncio.gather(*(each.send() for each in others))
    meter.till.clock.advance(LEASE_SECONDS)
    await meter.look()
    await meter.send()
    assert meter.billed() == 5 * 90 - INCLUDED


async def _go_round(each: Meter) -> None:
    for _ in range(STEPS):
        await each.collector.step()


async def test_what_is_refused_is_parked_shown_and_sent_again(meter: Meter) -> None:
    till = meter.till
    till.fake.people.revoke(meter.account_id)
    await meter.use(120)
    await meter.look()
    await meter.send()
    assert await meter.reports() == [(100, 120, "parked")]
    (line,) = await meter.lines()
    assert (line.beyond, line.sums.parked, line.provider, line.agrees) == (20, 20, None, False)
    assert line.fault
    till.fake.people.connected(account=till.account.id)
    async with till.gateway.records.write("test") as writer:
        assert await overage.unpark(writer, till.project.id) == 1
        await accounts.set_charges(writer, till.account, charges=True)
    await meter.send()
    (line,) = await meter.lines()
    assert (line.sums.sent, line.provider, line.difference, line.agrees) == (20, 20, 0, True)


async def test_one_that_cannot_be_sent_now_holds_up_no_other(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await meter.use(120)
    await meter.look()
    await meter.use(5)
    await meter.look()
    send = meter.till.engine.provider.report

    async def without_keys(account: Account, report: UsageReport) -> None:
        if report.units == 20:
            raise BillingNotConfiguredError
        await send(account, report)

    monkeypatch.setattr(meter.till.engine.provider, "report", without_keys)
    await meter.send()
    assert await meter.reports() == [(100, 120, "pending"), (120, 125, "sent")]
    monkeypatch.undo()
    meter.till.clock.advance(2)
    await meter.send()
    assert meter.billed() == 25


async def test_the_ledger_and_the_provider_are_compared(meter: Meter) -> None:
    await meter.use(120)
    await meter.look()
    await meter.send()
    await meter.use(3)
    (line,) = await meter.lines()
    assert (line.included, line.used, line.beyond, line.unreported) == (100, 123, 23, 3)
    assert (line.sums.sent, line.provider, line.agrees) == (20, 20, True)
    usage = meter.till.fake.world.usage
    key = next(key for key in usage if meter.account_id in key[0])
    usage[key[0], "by somebody else"] = usage[key] | {"value": 5}
    (line,) = await meter.lines()
    assert (line.provider, line.difference, line.agrees) == (25, 5, False)
