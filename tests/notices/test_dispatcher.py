"""Messages on their way, over real HTTP: signed, retried, given up, replayed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import WebhookVerificationError
from tests.notices.conftest import drained, on_both

from dream_gateway.notices import signing
from dream_gateway.notices.dispatcher import AT_ONCE_TO_ONE, CLAIM_SECONDS
from dream_gateway.notices.schedule import ATTEMPTS, DELAYS, DISABLE_AFTER
from dream_gateway.records import dispatches, messages, webhook_endpoints
from dream_gateway.records.messages import EndpointStatus
from dream_gateway.records.schema import audit_log

if TYPE_CHECKING:
    from tests.notices.conftest import Receiver, Shop

    from dream_gateway.notices.dispatcher import Dispatcher

NOWHERE = "http://127.0.0.1:9/"


@on_both
async def test_a_message_is_posted_as_the_reference_library_wants_it(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    _, secret = await shop.endpoint(receiver.url)
    customer = await shop.customer()
    assert await drained(dispatcher) == 1
    (request,) = receiver.seen
    told = request.verified(secret)
    assert (told["type"], told["data"]["id"]) == ("customer.created", customer.id)
    assert request.headers["content-type"] == "application/json"
    assert request.path == "/hooks"
    (message,) = await shop.messages()
    assert (message.id, message.payload) == (request.id, request.body)
    (delivery,) = message.dispatches
    assert (delivery.status, delivery.attempts, delivery.answer) == ("delivered", 1, 204)
    assert await drained(dispatcher) == 0


async def test_another_secret_does_not_verify(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.endpoint(receiver.url)
    await shop.customer()
    await drained(dispatcher)
    with pytest.raises(WebhookVerificationError):
        receiver.seen[0].verified(signing.mint())


async def test_both_secrets_sign_while_one_is_changed(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    endpoint, old = await shop.endpoint(receiver.url)
    new = signing.mint()
    rotated = signing.rotated(shop.vault, endpoint, new, shop.clock.now() + 60)
    async with shop.records.write("test") as writer:
        await webhook_endpoints.change(writer, rotated)
    await shop.customer("ada")
    await drained(dispatcher)
    assert receiver.seen[0].verified(old) == receiver.seen[0].verified(new)
    shop.clock.advance(60)
    await shop.customer("bob")
    await drained(dispatcher)
    assert receiver.seen[1].verified(new)["data"]["externalId"] == "bob"
    with pytest.raises(WebhookVerificationError):
        receiver.seen[1].verified(old)


async def test_a_failure_is_retried_by_the_schedule_with_the_same_id(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    endpoint, secret = await shop.endpoint(receiver.url)
    receiver.status = 500
    await shop.customer()
    assert await drained(dispatcher) == 1
    for delay in DELAYS[:3]:
        shop.clock.advance(delay - 1)
        assert await drained(dispatcher) == 0
        shop.clock.advance(1)
        assert await drained(dispatcher) == 1
    failing = await shop.found(endpoint)
    assert failing.failures == 4
    assert failing.failing_since == pytest.approx(shop.clock.now() - sum(DELAYS[:3]), abs=0.01)
    receiver.status = 200
    shop.clock.advance(DELAYS[3])
    assert await drained(dispatcher) == 1
    assert len(set(receiver.ids)) == 1
    assert (await shop.found(endpoint)).failing_since is None
    # Each attempt is signed at its own time: the first is too old for anybody by now.
    assert len({each.headers["webhook-timestamp"] for each in receiver.seen}) == 5
    assert secret.startswith("whsec_")


async def test_the_receiver_may_ask_for_a_longer_wait(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.endpoint(receiver.url)
    receiver.status, receiver.headers = 503, {"retry-after": "120"}
    await shop.customer()
    await drained(dispatcher)
    shop.clock.advance(119)
    assert await drained(dispatcher) == 0
    shop.clock.advance(1)
    assert await drained(dispatcher) == 1


@on_both
async def test_an_endpoint_that_fails_for_three_days_is_disabled_and_can_be_replayed(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    endpoint, _ = await shop.endpoint(receiver.url)
    began = shop.clock.now()
    receiver.status = 500
    await shop.customer("ada")
    for delay in (0.0, *DELAYS):
        shop.clock.advance(delay)
        assert await drained(dispatcher) == 1
    assert shop.clock.now() - began > DISABLE_AFTER
    disabled = await shop.found(endpoint)
    assert disabled.status is EndpointStatus.DISABLED
    assert disabled.fault == "Every attempt of three days failed."
    (message,) = await shop.messages(status="failed")
    assert message.dispatches[0].attempts == ATTEMPTS
    await shop.customer("bob")
    assert await drained(dispatcher) == 0
    async with shop.records.read() as connection:
        actions = (await connection.execute(select(audit_log.c.action))).scalars().all()
    assert actions.count("webhook_endpoint.disable") == 1

    receiver.status = 200
    receiver.seen.clear()
    async with shop.records.write("test") as writer:
        await webhook_endpoints.change(writer, endpoint)
        assert await dispatches.replay_missed(writer, endpoint, began, None) == 2
    await drained(dispatcher)
    assert sorted(receiver.ids) == sorted(m.id for m in await shop.messages(status="delivered"))
    async with shop.records.write("test") as writer:
        assert await dispatches.replay_missed(writer, endpoint, began, None) == 0
        assert await dispatches.replay(writer, endpoint, [message.id, "msg_none"]) == 1
    await drained(dispatcher)
    assert receiver.ids.count(message.id) == 2


async def test_a_receiver_that_is_gone_is_disabled_at_once(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    endpoint, _ = await shop.endpoint(receiver.url)
    for name in ("ada", "bob"):
        await shop.customer(name)
    receiver.status = 410
    await drained(dispatcher)
    assert (await shop.found(endpoint)).status is EndpointStatus.DISABLED
    assert not await shop.messages(status="pending")


async def test_an_endpoint_gets_the_types_it_wants_and_one_that_is_disabled_nothing(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    wants, _ = await shop.endpoint(receiver.url, "customer.created")
    await shop.endpoint(receiver.url + "/other", "key.revoked")
    await shop.endpoint(receiver.url + "/off", status=EndpointStatus.DISABLED)
    await shop.customer()
    await drained(dispatcher)
    assert [each.path for each in receiver.seen] == ["/hooks"]
    (message,) = await shop.messages()
    assert [each.endpoint_id for each in message.dispatches] == [wants.id]


@on_both
async def test_two_workers_share_the_messages_and_send_none_twice(
    shop: Shop, receiver: Receiver
) -> None:
    await shop.endpoint(receiver.url)
    for at in range(20):
        await shop.customer(f"customer {at}")
    one, other = shop.dispatcher(), shop.dispatcher()
    sent = sum(await asyncio.gather(drained(one), drained(other)))
    sent += await drained(one)
    assert sent == len(receiver.ids) == 20
    assert set(Counter(receiver.ids).values()) == {1}
    await one.aclose()
    await other.aclose()


@on_both
async def test_an_endpoint_with_much_to_come_holds_up_nobody(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    dead, _ = await shop.endpoint(NOWHERE, "customer.created")
    for at in range(20):
        await shop.customer(f"customer {at}")
    async with shop.records.write("test") as writer:
        await shop.endpoint_in(writer, receiver.url)
        message_id = await messages.tell(writer, shop.project.id, "key.revoked", "one", {})
    assert await dispatcher.turn() == AT_ONCE_TO_ONE + 1
    await dispatcher.settled()
    assert receiver.ids == [message_id]
    # It failed, and is left in peace though all the rest for it is due.
    assert await dispatcher.turn() == 0
    shop.clock.advance(2.0 ** (AT_ONCE_TO_ONE - 1))
    assert await dispatcher.turn() == AT_ONCE_TO_ONE
    await dispatcher.settled()
    assert (await shop.found(dead)).failures == 2 * AT_ONCE_TO_ONE


@on_both
async def test_what_a_dead_worker_claimed_is_due_again(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.endpoint(receiver.url)
    await shop.customer()
    async with shop.records.write("a worker that dies") as writer:
        (claimed,) = await dispatches.claim(writer, 1, 1, CLAIM_SECONDS)
    shop.clock.advance(CLAIM_SECONDS - 1)
    assert await drained(dispatcher) == 0
    shop.clock.advance(1)
    assert await drained(dispatcher) == 1
    # It was only slow: what it says now is too late.
    async with shop.records.write("a worker that woke up") as writer:
        assert not await dispatches.give_up(writer, claimed, None, "too slow")
    assert [m.dispatches[0].status for m in await shop.messages()] == ["delivered"]


async def test_what_is_on_its_way_to_a_deleted_endpoint_is_given_up(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    endpoint, _ = await shop.endpoint(receiver.url)
    await shop.customer()
    async with shop.records.write("test") as writer:
        await webhook_endpoints.delete(writer, endpoint)
    assert await drained(dispatcher) == 0
    assert receiver.ids == []


@on_both
async def test_old_messages_go_unless_they_are_on_their_way(
    shop: Shop, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.endpoint(receiver.url)
    await shop.customer("ada")
    await drained(dispatcher)
    await shop.customer("bob")
    shop.clock.advance(10)
    async with shop.records.write("test") as writer:
        assert await dispatches.prune(writer, writer.now, 10) == 1
    (left,) = await shop.messages()
    assert left.dispatches[0].status == "pending"
