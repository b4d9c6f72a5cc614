"""Customers that were deleted at the provider, who buy again all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.records import inbox
from dream_gateway.records.inbox import InboxStatus

if TYPE_CHECKING:
    from tests.billing.till import Till


async def buys(till: Till, tier: str) -> str:
    """Have ada pay for a tier; return who she is at the provider."""
    payer = await till.subscribe(tier)
    assert await till.plan() == tier
    return payer


async def lose(till: Till) -> None:
    """Have everything that Stripe wants to tell be lost for ever, and not known to be."""
    for each in till.fake.pending():
        each.status = 200


async def test_who_is_deleted_loses_the_plan_and_buys_again_as_somebody_new(till: Till) -> None:
    before = await buys(till, "pro")
    till.fake.people.delete_customer(before)
    await till.hear()
    assert await till.plan() == "free"
    assert await till.payer() is None
    assert await buys(till, "basic") != before
    async with till.gateway.records.read() as connection:
        told = await inbox.page(connection, None, None, 100)
    (event,) = [each for each in told if each.type == "customer.deleted"]
    assert (event.status, event.project_id) == (InboxStatus.DONE, till.project.id)


async def test_an_end_that_is_heard_of_after_the_deletion_ends_the_plan(till: Till) -> None:
    before = await buys(till, "pro")
    till.fake.people.delete_customer(before)
    pending = till.fake.pending()
    gone = [at for at, each in enumerate(pending) if each.type == "customer.deleted"]
    await till.deliver(order=gone)
    await till.work()
    assert await till.payer() is None
    await till.hear()
    assert await till.plan() == "free"
    assert await buys(till, "pro") != before


async def test_a_deletion_that_did_not_arrive_is_made_up_for(till: Till) -> None:
    before = await buys(till, "pro")
    till.fake.people.delete_customer(before)
    await till.reconcile()
    assert await till.plan() == "free"
    assert await till.payer() is None
    assert await buys(till, "pro") != before


async def test_a_deletion_that_nobody_told_of_is_found_with_what_was_paid(till: Till) -> None:
    before = await buys(till, "pro")
    till.fake.people.delete_customer(before)
    await lose(till)
    (row,) = await till.rows()
    assert row.period_end is not None
    till.clock.set_now(row.period_end + 60)
    await till.reconcile()
    assert await till.plan() == "free"
    assert await till.payer() is None


@pytest.mark.parametrize("paid", [False, True])
async def test_a_deletion_that_nobody_told_of_is_found_at_the_checkout(
    till: Till, *, paid: bool
) -> None:
    if paid:
        before = await buys(till, "pro")
    else:
        await till.choose("pro")
        before = await till.payer() or ""
    till.fake.people.delete_customer(before)
    await lose(till)
    assert await buys(till, "pro") != before


async def test_whoever_is_only_changed_stays_who_they_are(till: Till) -> None:
    before = await buys(till, "pro")
    till.fake.people.rename(before, "Ada")
    await till.hear()
    assert await till.payer() == before
    assert await till.plan() == "pro"


async def test_the_portal_is_not_for_whoever_is_deleted(till: Till) -> None:
    till.fake.people.delete_customer(await buys(till, "pro"))
    await lose(till)
    refused = await till.post("/api/customer-portal")
    assert refused.status_code == 409
    assert "has not paid for anything yet" in refused.json()["detail"]
    assert await till.payer() is None
