"""Brings events to their endpoints by HTTP: when a test says so, or by itself in the background."""

from __future__ import annotations

import asyncio
import ssl
import threading
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from dream_gateway_stripe.testing.deliveries import arranged, signature
from dream_gateway_stripe.testing.passing import pass_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from threading import RLock

    from dream_gateway_stripe.testing.deliveries import Delivery
    from dream_gateway_stripe.testing.world import World

PATIENCE_SECONDS = 10.0
BACKOFF_SECONDS = (0.2, 1.0, 5.0, 30.0, 300.0, 3_600.0)
ATTEMPTS = 16
"""As often an event is sent in the background before it is given up."""


class Deliverer:
    """Sends what is pending."""

    def __init__(self, world: World, lock: RLock) -> None:
        self._world = world
        self._lock = lock

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Whom to trust: read once, for that takes longer than a delivery."""
        return ssl.create_default_context()

    def client(self, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
        """Return a client to deliver by."""
        return httpx.AsyncClient(transport=transport, verify=self._trust, timeout=PATIENCE_SECONDS)

    def request(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """Return the fields and the body of an attempt made now."""
        hook = self._world.post.hooks.get(delivery.target)
        body = delivery.body
        secrets = hook.secrets if hook else ()
        mark = signature(body, secrets, int(self._world.clock.now()))
        return {"content-type": "application/json", "stripe-signature": mark}, body

    async def deliver(
        self,
        order: Sequence[int] | None,
        duplicate: Iterable[int],
        drop: Iterable[int],
        transport: httpx.AsyncBaseTransport | None,
    ) -> list[Delivery]:
        """Send what is pending now, arranged as asked, and return it."""
        with self._lock:
            pass_time(self._world)
            pending = self._world.post.pending()
            for at in (lost := list(drop)):
                pending[at].dropped = True
            chosen = arranged(pending, order, duplicate, lost)
        async with self.client(transport) as client:
            for delivery in chosen:
                await self.attempt(client, delivery)
        return chosen

    async def attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """Send one event once; an endpoint that cannot be reached has not taken it."""
        hook = self._world.post.hooks.get(delivery.target)
        if hook is None:
            return
        headers, body = self.request(delivery)
        try:
            answer = await client.post(hook.url, content=body, headers=headers)
            status: int | None = answer.status_code
        except httpx.HTTPError:
            status = None
        with self._lock:
            delivery.attempts += 1
            # What was taken once is taken, whatever a second copy is answered.
            delivery.status = delivery.status if delivery.done else status


class Pusher:
    """Delivers in a thread of its own, soon after things happen, and again after failures."""

    def __init__(
        self, deliverer: Deliverer, pending: Callable[[], list[Delivery]], every: float
    ) -> None:
        self._deliverer = deliverer
        self._pending = pending
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-stripe-push", daemon=True)

    def start(self) -> None:
        """Deliver from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver no longer."""
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._push())

    async def _push(self) -> None:
        waits: dict[int, float] = {}
        passed = 0.0
        async with self._deliverer.client() as client:
            while not self._stop.wait(self._every):
                passed += self._every
                for delivery in self._pending():
                    due = waits.get(id(delivery), 0.0) <= passed
                    if due and delivery.attempts < ATTEMPTS:
                        await self._deliverer.attempt(client, delivery)
                        step = min(delivery.attempts, len(BACKOFF_SECONDS)) - 1
                        waits[id(delivery)] = passed + BACKOFF_SECONDS[max(0, step)]
