"""`POST /webhook/stripe`: what is taken for news, whose it is, and that it counts once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import insert, select
from stripe import StripeClient
from tests.billing.till import CONNECT_SECRET, PLATFORM_SECRET, TIERS, furnish
from tests.waiting import becomes

from dream_gateway.administration import Administration
from dream_gateway.billing.inbox import LEASE_SECONDS, MOST_ATTEMPTS
from dream_gateway.billing.news import StaleError
from dream_gateway.errors import BillingUnavailableError
from dream_gateway.model import Mode
from dream_gateway.payments import Account, When
from dream_gateway.records import inbox
from dream_gateway.records.billing_schema import messages, webhook_endpoints
from dream_gateway.records.inbox import InboxStatus
from dream_gateway_stripe.testing.deliveries import signature

if TYPE_CHECKING:
    from tests.billing.till import Till

    from dream_gateway.records.inbox import Received

PATH = "/webhook/stripe"


async def received(till: Till) -> list[Received]:
    """Return what is in the inbox, newest first."""
    async with till.gateway.records.read() as connection:
        return await inbox.page(connection, None, None, 1_000)


async def send(till: Till, body: bytes, mark: str, path: str = PATH) -> httpx.Response:
    return await till.client.post(path, content=body, headers={"stripe-signature": mark})


def of_subscription(account: str | None, name: str, number: int = 1, **more: Any) -> bytes:
    """Return an event about a subscription, as Stripe writes it."""
    event = {
        "id": f"evt_{name}_{number}",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": 1_790_000_000,
        "livemode": False,
        "data": {"object": {"id": name, "object": "subscription", **more}},
    }
    return json.dumps(event if account is None else {**event, "account": account}).encode()


@pytest.fixture
def now(till: Till) -> int:
    return int(till.clock.now())


async def test_what_is_received_is_dealt_with_without_anybody_who_looks_now_and_then(
    till: Till,
) -> None:
    for taker in till.engine._takers:
        taker._every = 3_600.0
        taker.start()
    try:
        begun = await till.choose("pro")
        till.fake.people.check_out(begun["sessionId"])
        await till.fake.deliver_all(transport=httpx.ASGITransport(app=till.service))
        await becomes(till.plan, "pro")
    finally:
        await till.engine.aclose()


@pytest.mark.parametrize(
    ("secrets", "offset"),
    [
        (("whsec_forged",), 0),
        ((), 0),
        ((PLATFORM_SECRET,), 0),
        ((CONNECT_SECRET,), -301),
        ((CONNECT_SECRET,), 301),
        ((CONNECT_SECRET,), 3_600),
    ],
)
async def test_401_for_what_is_forged_replayed_or_of_the_future(
    till: Till, now: int, secrets: tuple[str, ...], offset: int
) -> None:
    body = of_subscription(till.account.id, "sub_1")
    answer = await send(till, body, signature(body, secrets, now + offset))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")
    changed = await send(till, body + b" ", signature(body, (CONNECT_SECRET,), now))
    assert changed.status_code == 401
    assert await received(till) == []


async def test_422_at_the_wrong_endpoint(till: Till, now: int) -> None:
    for account, path, secret in (
        (None, PATH, CONNECT_SECRET),
        (till.account.id, f"{PATH}/platform", PLATFORM_SECRET),
    ):
        body = of_subscription(account, "sub_1")
        answer = await send(till, body, signature(body, (secret,), now), path)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert await received(till) == []


async def test_an_event_is_kept_once(till: Till, now: int) -> None:
    body = of_subscription(till.account.id, "sub_1")
    mark = signature(body, (CONNECT_SECRET,), now)
    answers = await asyncio.gather(*(send(till, body, mark) for _ in range(8)))
    assert {(each.status_code, each.text) for each in answers} == {(200, '{"received":true}')}
    assert len(await received(till)) == 1


async def test_what_is_of_nobody_here_is_taken_and_ignored(till: Till, now: int) -> None:
    await till.subscribe("pro")
    before = await till.rows()
    foreign = till.fake.people.connected()
    live = json.loads(of_subscription(till.account.id, before[0].subscription_id, 2))
    for body in (
        of_subscription(foreign, "sub_1"),
        # What it claims of who it is for does not matter.
        of_subscription(foreign, before[0].subscription_id, 3, customer=before[0].payer_id),
        of_subscription(till.account.id, "sub_of_nobody", 4),
        json.dumps({**live, "livemode": True}).encode(),
    ):
        answer = await send(till, body, signature(body, (CONNECT_SECRET,), now))
        assert answer.status_code == 200
    await till.work()
    assert {each.status for each in (await received(till))[:4]} == {InboxStatus.IGNORED}
    assert await till.rows() == before


async def test_what_the_developer_sells_otherwise_is_none_of_ours(till: Till) -> None:
    """Something else that our customer buys, and our price that a stranger is put on by hand."""
    payer = await till.subscribe("basic")
    (before,) = await till.rows()
    assert before.price_id is not None
    client = StripeClient(till.fake.keys().secret, base_addresses=till.fake.base_addresses)  # type: ignore[arg-type] # a TypedDict
    options: Any = {"stripe_account": till.account.id}
    product = client.v1.products.create({"name": "Mug"}, options)
    price = client.v1.prices.create(
        {
            "product": product.id,
            "unit_amount": 100_000,
            "currency": "usd",
            "recurring": {"interval": "month"},
        },
        options,
    )
    client.v1.subscriptions.create({"customer": payer, "items": [{"price": price.id}]}, options)
    eve = client.v1.customers.create({"email": "eve@example.com"}, options)
    named = {"customer": (await till.customer()).id, "project": till.project.id}
    client.v1.subscriptions.create(
        {
            "customer": eve.id,
            "items": [{"price": before.price_id}],
            "metadata": named,
            "trial_period_days": 30,
        },
        options,
    )
    await till.hear()
    assert await till.plan() == "basic"
    assert [row.subscription_id for row in await till.rows()] == [before.subscription_id]
    assert await till.plan() == "basic"


async def test_one_tenants_events_do_nothing_to_anothers(till: Till, now: int) -> None:
    """A developer's own account tells of a subscription that is somebody else's."""
    await till.subscribe("pro")
    (before,) = await till.rows()
    made = await Administration(till.gateway.records).create_platform("eve", Mode.TEST, TIERS, ())
    theirs = Account(till.fake.people.connected(), live=False)
    await furnish(till.gateway, made.project, theirs)
    gone = of_subscription(theirs.id, before.subscription_id, status="canceled")
    await send(till, gone, signature(gone, (CONNECT_SECRET,), now))
    await till.work()
    assert (await received(till))[0].status is InboxStatus.IGNORED
    assert (await till.rows(), await till.plan()) == ([before], "pro")


async def test_two_platforms_with_one_account_share_no_customers(till: Till) -> None:
    made = await Administration(till.gateway.records).create_platform("eve", Mode.TEST, TIERS, ())
    await furnish(till.gateway, made.project, till.account)
    await till.subscribe("pro")
    assert await till.plan() == "pro"
    assert (await received(till))[0].project_id == till.project.id


async def test_any_order_and_number_of_deliveries_comes_to_the_same(till: Till) -> None:
    begun = await till.choose("basic")
    till.fake.people.check_out(begun["sessionId"])
    await till.choose("pro")
    await till.choose("basic")
    count = len(till.fake.pending())
    assert count > 4
    await till.deliver(order=list(reversed(range(count))), duplicate=range(count))
    await till.work()
    (row,) = await till.rows()
    assert (row.plan, row.scheduled_plan) == ("pro", "basic")
    done = {each.status for each in await received(till)}
    assert done <= {InboxStatus.DONE, InboxStatus.IGNORED}


async def test_one_object_is_asked_for_once_however_many_events_are_about_it(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.subscribe("basic")
    asked: list[str] = []
    real = till.engine.provider.subscription

    async def subscription(account: Account, name: str) -> Any:
        asked.append(name)
        return await real(account, name)

    monkeypatch.setattr(till.engine.provider, "subscription", subscription)
    await till.choose("pro")
    (row,) = await till.rows()
    till.clock.advance(1)
    await till.fake.deliver_all(transport=httpx.ASGITransport(app=till.service))
    await asyncio.gather(*(till.engine.inbox.step() for _ in range(8)))
    await till.work()
    assert asked == [row.subscription_id]


async def test_what_fails_again_and_again_is_parked_and_can_be_replayed(
    till: Till, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])

    async def fail(*_: object) -> None:
        raise ValueError("poison")

    monkeypatch.setattr(till.engine.subscriptions, "store", fail)
    await till.hear()
    for _ in range(2 * MOST_ATTEMPTS):
        till.clock.advance(600)
        await till.work()
    parked = [each for each in await received(till) if each.status is InboxStatus.PARKED]
    assert {(each.attempts, each.fault) for each in parked} == {
        (MOST_ATTEMPTS, "It failed inside of the gateway (ValueError).")
    }
    assert "failed" in caplog.text
    assert "poison" in caplog.text
    assert await till.plan() == "free"
    monkeypatch.undo()
    await till.work()
    assert await till.plan() == "free"
    async with till.gateway.records.write("test") as writer:
        assert await inbox.replay(writer, None) == len(parked)
    await till.work()
    assert await till.plan() == "pro"


async def test_while_the_provider_is_away_nothing_is_given_up(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])

    async def away(*_: object) -> None:
        raise BillingUnavailableError

    monkeypatch.setattr(till.engine.provider, "subscription", away)
    await till.hear()
    for _ in range(3 * MOST_ATTEMPTS):
        till.clock.advance(11)
        await till.work()
    assert {each.status for each in await received(till)} >= {InboxStatus.PENDING}
    monkeypatch.undo()
    till.clock.advance(11)
    await till.work()
    assert await till.plan() == "pro"


async def test_what_a_dead_worker_had_taken_is_taken_again_and_counts_once(till: Till) -> None:
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])
    await till.fake.deliver_all(transport=httpx.ASGITransport(app=till.service))
    async with till.gateway.records.write("test") as writer:
        while (dead := await inbox.take(writer, LEASE_SECONDS)) is not None:
            last = dead
    assert not await till.engine.inbox.step()
    till.clock.advance(LEASE_SECONDS)
    await till.work()
    assert await till.plan() == "pro"
    # It was only slow: what it does now must not count.
    async with till.gateway.records.write("test") as writer:
        assert not await inbox.finish(writer, last, InboxStatus.IGNORED, None, None)


async def test_an_answer_that_is_older_than_what_is_known_is_asked_for_again(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    old = await till.engine.subscriptions.asked(till.account, row.subscription_id)
    await till.engine.provider.cancel(till.account, row.subscription_id, When.NOW)
    await till.hear()
    assert old is not None
    with pytest.raises(StaleError):
        async with till.gateway.records.write("test") as writer:
            await old(writer)
    assert await till.plan() == "free"


async def test_developers_are_told_in_the_same_transaction(till: Till) -> None:
    async with till.gateway.records.write("test") as writer:
        await writer.connection.execute(
            insert(webhook_endpoints).values(
                id="whe_1",
                project_id=till.project.id,
                url="https://example.com/",
                description="",
                types=[],
                secret=b"",
                status="enabled",
                failures=0,
                created_at=writer.now,
            )
        )
    await till.subscribe("basic")
    await till.choose("pro")
    await till.hear()
    query = select(messages.c.payload).where(messages.c.type == "subscription.changed")
    async with till.gateway.records.read() as connection:
        told = [json.loads(each) for each in (await connection.execute(query)).scalars()]
    assert [each["data"]["plan"] for each in told] == ["basic", "pro"]
    assert told[1]["data"]["subscription"]["status"] == "active"
    assert told[1]["data"]["externalId"] == "ada"
