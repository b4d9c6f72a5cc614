"""Webhooks: signed so that the library takes them, and delivered as a test wants it."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from tests.waiting import until

from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import FakeStripe, Target
from dream_gateway_stripe.testing.deliveries import signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugins.stripe.testing.conftest import Shop

SECRET, OTHER = "whsec_one", "whsec_two"


class Taker(BaseHTTPRequestHandler):
    """An endpoint that verifies, and answers what it is told to."""

    def do_POST(self) -> None:
        """Take an event."""
        server: Any = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        event = stripe.Webhook.construct_event(
            body, self.headers["stripe-signature"], SECRET, tolerance=10**10
        )
        status = server.answers.pop(0) if server.answers else 200
        server.taken.append((event.type, status))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def taker() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    server.taken, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/webhook/stripe"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def three(shop: Shop) -> list[str]:
    """Have three things happen, and return their types."""
    for name in ("a", "b", "c"):
        await shop.v1.customers.create_async({"name": name}, shop.options)
    first = (await shop.v1.customers.list_async({"limit": 1}, shop.options)).data[0].id
    await shop.v1.customers.update_async(first, {"name": "d"}, shop.options)
    await shop.v1.customers.delete_async(first, None, shop.options)
    return shop.told[2:]


async def test_events_arrive_signed_in_order_and_once(shop: Shop, taker: Any) -> None:
    shop.fake.connect_webhooks(taker.url, SECRET)
    await three(shop)
    await shop.fake.deliver_all()
    types = [f"customer.{each}" for each in ("created", "created", "created", "updated", "deleted")]
    assert taker.taken == [(each, 200) for each in types]
    assert shop.fake.pending() == []


async def test_order_duplicates_and_losses_are_the_tests_own(shop: Shop, taker: Any) -> None:
    shop.fake.connect_webhooks(taker.url, SECRET)
    await three(shop)
    sent = await shop.fake.deliver(order=[4, 2, 3], duplicate=[2], drop=[3])
    assert [each.type for each in sent] == [
        f"customer.{each}" for each in ("deleted", "created", "created")
    ]
    # Two were left for later; the one that was lost is nobody's to deliver any more.
    assert shop.told == ["customer.created", "customer.created"]
    listed = shop.v1.events.list_async
    lost = await listed({"delivery_success": False}, shop.options)
    assert [each.type for each in lost.data] == [
        "customer.updated",
        "customer.created",
        "customer.created",
    ]
    assert len((await listed({"delivery_success": True}, shop.options)).data) == 2


async def test_what_is_not_taken_is_sent_again(shop: Shop, taker: Any) -> None:
    shop.fake.connect_webhooks(taker.url, SECRET)
    taker.answers = [500, 302]
    await shop.v1.customers.create_async({}, shop.options)
    await shop.fake.deliver_all()
    assert [status for _, status in taker.taken] == [500, 302, 200]


async def test_an_endpoint_that_is_not_there(shop: Shop) -> None:
    shop.fake.connect_webhooks("http://127.0.0.1:9/", SECRET)
    await shop.v1.customers.create_async({}, shop.options)
    (sent,) = await shop.fake.deliver()
    assert (sent.done, sent.attempts, sent.status) == (False, 1, None)
    with pytest.raises(TimeoutError):
        await shop.fake.deliver_all()


async def test_to_an_application_in_the_same_process(shop: Shop) -> None:
    taken: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/webhook/stripe"
        taken.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shop.fake.connect_webhooks("http://gateway/webhook/stripe", SECRET)
    await shop.v1.customers.create_async({}, shop.options)
    await shop.fake.deliver_all(transport=httpx.ASGITransport(app))
    assert json.loads(taken[0])["account"] == shop.account


async def test_each_endpoint_has_events_of_its_own(shop: Shop) -> None:
    await shop.v1.customers.create_async({}, shop.options)
    await shop.v1.customers.create_async({})
    (connected,) = shop.fake.pending(Target.CONNECT)
    (own,) = shop.fake.pending(Target.PLATFORM)
    assert (connected.event["account"], "account" in own.event) == (shop.account, False)
    listed = (await shop.v1.events.list_async({}, shop.options)).data[0]
    assert (listed.id, "account" in listed.to_dict()) == (connected.id, False)


async def test_an_event_names_the_request_and_what_was_before(shop: Shop) -> None:
    made = await shop.v1.customers.create_async(
        {"name": "a"}, {**shop.options, "idempotency_key": "k"}
    )
    await shop.v1.customers.update_async(made.id, {"name": "b"}, shop.options)
    first, second = (each.event for each in shop.fake.pending())
    assert first["request"]["idempotency_key"] == "k"
    assert first["request"]["id"].startswith("req_")
    assert second["data"]["previous_attributes"] == {"name": "a"}
    assert (first["data"]["object"]["name"], second["data"]["object"]["name"]) == ("a", "b")


async def test_what_changes_nothing_is_not_told(shop: Shop) -> None:
    made = await shop.v1.customers.create_async({"name": "a"}, shop.options)
    await shop.v1.customers.update_async(made.id, {"name": "a"}, shop.options)
    assert shop.told == ["customer.created"]


def test_two_secrets_while_they_are_rotated() -> None:
    with FakeStripe(clock=FakeClock(now=time.time())) as fake:
        fake.connect_webhooks("http://127.0.0.1:9/", SECRET, OTHER)
        fake.people.revoke(fake.people.connected())
        headers, body = fake.signed(fake.pending()[0])
    for secret in (SECRET, OTHER):
        event = stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
        assert event.type == "account.application.deauthorized"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["stripe-signature"], "whsec_three")


def test_a_signature_is_the_librarys_own() -> None:
    header = stripe.WebhookSignature.generate_signature_header("{}", SECRET, timestamp=5)
    assert signature(b"{}", [SECRET], 5) == header


def test_in_the_background_they_come_by_themselves(taker: Any) -> None:
    with FakeStripe() as fake:
        fake.connect_webhooks(taker.url, SECRET)
        fake.push(every=0.01)
        taker.answers = [500]
        fake.people.revoke(fake.people.connected())
        until(lambda: not fake.pending(), "delivered")
        assert [status for _, status in taker.taken] == [500, 200]
