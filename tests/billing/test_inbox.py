"""`POST /webhook/stripe`: what is taken for news, whose it is, and that it counts once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select, update
from tests.billing.till import CONNECT_SECRET, PLATFORM_SECRET, furnish

from dream_gateway.administration import Administration
from dream_gateway.billing.inbox import LEASE_SECONDS, MOST_ATTEMPTS
from dream_gateway.model import Mode
from dream_gateway.payments import Account, When
from dream_gateway.records import inbox
from dream_gateway.records.billing_schema import messages, prices, webhook_endpoints
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.records.schema import audit_log
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
    """A subscription of our customer's to another price of the account's, and of a stranger's to ours."""
    payer = await till.subscribe("basic")
    before = await till.rows()
    books = till.fake.world.books(till.account.id, live=False)
    assert before[0].price_id is not None
    client = till.engine.provider._desk
    stripe = client._clients[False]
    options: Any = {"stripe_account": till.account.id}
    product = await stripe.v1.products.create_async({"name": "Mug"}, options)
    price = await stripe.v1.prices.create_async(
        {
            "product": product.id,
            "unit_amount": 100_000,
            "currency": "usd",
            "recurring": {"interval": "month"},
        },
        options,
    )
    await stripe.v1.subscriptions.create_async(
        {"customer": payer, "items": [{"price": price.id}]}, options
    )
    stranger = await stripe.v1.customers.create_async({"email": "eve@example.com"}, options)
    till.fake.people.use_card(stranger.id, None)
    await stripe.v1.subscriptions.create_async(
        {
            "customer": stranger.id,
            "items": [{"price": before[0].price_id}],
            "metadata": {"customer": (await till.customer()).id, "project": till.project.id},
            "trial_period_days": 30,
        },
        options,
    )
    assert books is not None
    await till.hear()
    assert await till.plan() == "basic"
    assert [row.subscription_id for row in await till.rows()] == [before[0].subscription_id]


async def test_one_tenants_events_do_nothing_to_anothers(till: Till, now: int) -> None:
    """A developer names a subscription of somebody else's, in an event of their own account."""
    made = await Administration(till.gateway.records).create_platform("eve", Mode.TEST, [], ())
    raise AssertionError(made)
