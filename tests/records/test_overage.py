"""Marks, reports, rounds and what platforms pay, on each engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dream_gateway.administration import Administration
from dream_gateway.errors import ConflictError
from dream_gateway.gateway import Gateway
from dream_gateway.model import Customer, Interval, Mode
from dream_gateway.payments import Account, SubscriptionStatus
from dream_gateway.records import customers, overage, payers, platform_plans, prices, rounds, tiers
from dream_gateway.records import subscriptions as mirror
from dream_gateway.records.overage import Marked, Report, Sums
from dream_gateway.records.platform_plans import PlatformPlan
from dream_gateway.records.prices import Price, PriceKind
from dream_gateway.records.subscriptions import Mirrored
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.model import Project

ACCOUNT = Account("acct_1", live=False)
METERED = parse_tier("metered=100/month+50/10")


@pytest.fixture
async def gateway(store: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(store=store, journal_dir=f"{tmp_path}/journals"))
    await gateway.start()
    yield gateway
    await gateway.close()


@pytest.fixture
async def project(gateway: Gateway) -> Project:
    """A project with a customer `ada` who pays for a tier with overage, and one who does not."""
    administration = Administration(gateway.records)
    made = await administration.create_platform("shop", Mode.TEST, [METERED], ())
    project = made.project
    async with gateway.records.write("test") as writer:
        for name in ("ada", "eve"):
            customer = Customer(name, project.id, name, "metered", writer.now, writer.now)
            await customers.add(writer, customer)
            await payers.add(writer, ACCOUNT, f"cus_{name}", customer)
        await mirror.put(writer, subscription(project.id, writer.now))
        price = Price(
            "price_1", project.id, PriceKind.OVERAGE, "metered", 50, "usd", Interval.MONTH,
            meter="mtr_1/units", current=True, provider_product_id="prod_1",
        )  # fmt: skip
        await prices.put(writer, ACCOUNT, price)
    return project


def subscription(project_id: str, now: float) -> Mirrored:
    return Mirrored(
        id="sub_1",
        project_id=project_id,
        customer_id="ada",
        account_id=ACCOUNT.id or "",
        subscription_id="sub_1",
        payer_id="cus_ada",
        plan="metered",
        price_id="price_0",
        status=SubscriptionStatus.ACTIVE,
        amount=1_000,
        currency="usd",
        interval=Interval.MONTH,
        interval_count=1,
        quantity=1,
        period_start=now,
        period_end=now + 1.0,
        created_at=now,
        metered=True,
    )


def report(project_id: str, before: int, upto: int, at: float = 120.0) -> Report:
    return Report(
        f"ovr_{before}_{upto}", project_id, "ada", "acct_1", False, "mtr_1/units", "cus_ada",
        "counter", before, upto, at, due_at=0.0,
    )  # fmt: skip


async def test_who_pays_for_a_tier_with_overage_is_found(
    gateway: Gateway, project: Project
) -> None:
    async with gateway.records.read() as connection:
        (found,) = await overage.payable(connection, 0, 10)
        assert (found.customer.id, found.payer_id, found.account) == ("ada", "cus_ada", ACCOUNT)
        assert (found.tier, found.meter, found.project.id) == (METERED, "mtr_1/units", project.id)
        assert await overage.payable(connection, found.position, 10) == []
        assert await overage.payable(connection, 0, 10, "prj_other") == []


async def test_a_change_of_tier_or_of_its_terms_is_remembered(
    gateway: Gateway, project: Project
) -> None:
    async def since() -> float:
        async with gateway.records.read() as connection:
            (found,) = await overage.payable(connection, 0, 10)
        return found.since

    async def changed(tier: str) -> float:
        async with gateway.records.write("test") as writer:
            await tiers.put(writer, project.id, parse_tier(tier))
            return writer.now

    first = await since()
    await changed("metered=200/month+50/10")
    assert await since() == first
    assert await changed("metered=150/month+50/10") == await since() > first
    await changed("metered=150/month")
    assert await changed("metered=150/month+50/10") == await since()
    async with gateway.records.write("test") as writer:
        await tiers.put(writer, project.id, parse_tier("other=1"))
        ada = await customers.by_id(writer.connection, project.id, "ada")
        assert ada is not None
        await customers.change(writer, replace(ada, email="ada@example.com"))
        before = writer.now
        await customers.change(writer, replace(ada, plan="other"))
    async with gateway.records.write("test") as writer:
        await customers.change(writer, ada)
        assert writer.now > before
        back = writer.now
    assert await since() == back


async def test_a_mark_moves_on_from_where_it_was_and_a_unit_is_reported_once(
    gateway: Gateway, project: Project
) -> None:
    async def written(before: Marked | None, after: Marked, row: Report) -> None:
        async with gateway.records.write("test") as writer:
            await overage.mark(writer, before, after)
            await overage.add(writer, row)

    first = Marked("counter", project.id, "ada", 0.0, 9.0, 100, 0.0, closed=False)
    async with gateway.records.write("test") as writer:
        await overage.mark(writer, None, first)
        await overage.add(writer, report(project.id, 90, 100))
    second = replace(first, accounted=150)
    async with gateway.records.write("test") as writer:
        await overage.mark(writer, first, second)
    for before, after, row in (
        (None, first, report(project.id, 0, 1)),
        (first, replace(first, accounted=160), report(project.id, 100, 160)),
        (second, replace(second, closed=True), report(project.id, 90, 100)),
    ):
        with pytest.raises(ConflictError):
            await written(before, after, row)
    async with gateway.records.read() as connection:
        assert await overage.marks(connection, ["counter", "none"]) == {"counter": second}


async def test_reports_are_taken_by_one_and_added_up(gateway: Gateway, project: Project) -> None:
    async with gateway.records.write("test") as writer:
        for before in range(0, 50, 10):
            await overage.add(writer, report(project.id, before, before + 10, at=100.0 + before))

    async def take() -> list[Report]:
        async with gateway.records.write("test") as writer:
            return await overage.take_due(writer, 2, 60.0)

    taken = [each for some in await asyncio.gather(*(take() for _ in range(3))) for each in some]
    assert len({each.identifier for each in taken}) == len(taken) == 5
    assert await take() == []
    assert [each.tried_at for each in taken] == [None] * 5
    async with gateway.records.write("test") as writer:
        await overage.settle(writer, taken[0])
        await overage.settle(writer, taken[1], "No.")
        await overage.put_off(writer, taken[2], 0.0, "Later.")
    (again,) = await take()
    assert (again.attempts, again.fault, again.tried_at is None) == (1, "Later.", False)
    async with gateway.records.read() as connection:
        span = (100.0, 150.0)
        whole = await overage.sums(connection, ACCOUNT, "mtr_1/units", "cus_ada", span)
        assert whole == Sums(pending=30, sent=10, parked=10)
        none = await overage.sums(connection, ACCOUNT, "mtr_1/units", "cus_eve", span)
        assert none == Sums()
    async with gateway.records.write("test") as writer:
        assert await overage.unpark(writer, "prj_other") == 0
        assert await overage.unpark(writer, project.id) == 1


async def test_a_round_is_one_workers_at_a_time(gateway: Gateway) -> None:
    async def take() -> int | None:
        async with gateway.records.write("test") as writer:
            return await rounds.take(writer, "everything", 60.0)

    assert await take() == 0
    assert await asyncio.gather(*(take() for _ in range(4))) == [None] * 4
    async with gateway.records.write("test") as writer:
        await rounds.leave(writer, "everything", 7, writer.now)
    async with gateway.records.read() as connection:
        assert await rounds.is_due(connection, "everything", gateway.clock.now())
    assert sorted(await asyncio.gather(*(take() for _ in range(4))), key=str) == [7] + [None] * 3


async def test_what_a_platform_pays(gateway: Gateway, project: Project) -> None:
    async with gateway.records.read() as connection:
        (stranger,) = await platform_plans.strangers(connection, 10)
        assert stranger.id == project.platform_id
        assert await platform_plans.find(connection, stranger.id) is None
    plan = PlatformPlan(stranger.id, "cus_plt", status=SubscriptionStatus.ACTIVE, ask_at=5.0)
    async with gateway.records.write("test") as writer:
        stored = await platform_plans.put(writer, plan)
        assert stored == replace(plan, version=1)
    async with gateway.records.write("test") as writer:
        (taken,) = await platform_plans.take_due(writer, 10, 60.0)
        assert taken == stored
        assert await platform_plans.take_due(writer, 10, 60.0) == []
        again = await platform_plans.put(writer, replace(taken, status=None))
    async with gateway.records.read() as connection:
        assert await platform_plans.of_payer(connection, "cus_plt") == again
        assert await platform_plans.strangers(connection, 10) == []
        assert await platform_plans.unpaid(connection, 10) == []
