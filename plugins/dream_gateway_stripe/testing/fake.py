"""The fake as a whole: its server, its clock, its webhooks, and what is done on its pages."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from starlette.applications import Starlette
from starlette.routing import Route

from dream_gateway_stripe.testing.api import Api
from dream_gateway_stripe.testing.clock import SettableClock
from dream_gateway_stripe.testing.contract import Contract
from dream_gateway_stripe.testing.deliverer import Deliverer, Pusher
from dream_gateway_stripe.testing.deliveries import Hook, Target
from dream_gateway_stripe.testing.faults import Moment, Trouble
from dream_gateway_stripe.testing.pages.site import Site
from dream_gateway_stripe.testing.passing import pass_time
from dream_gateway_stripe.testing.people import People
from dream_gateway_stripe.testing.server import ThreadedServer
from dream_gateway_stripe.testing.world import KEYS, PLATFORM, Keys, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    import httpx

    from dream_gateway_stripe.testing.deliveries import Delivery
    from dream_gateway_stripe.testing.world import Clock

METHODS = ["GET", "POST", "DELETE"]
ROUNDS = 20


class ContractError(AssertionError):
    """Requests or answers were not as stripe-python's types have them."""


@cache
def contract() -> Contract:
    """Return the contract: the library does not change while a process runs."""
    return Contract()


class FakeStripe:
    """Stripe on loopback. Everything is safe from any thread; one request is served at a time.

    `clock` is anything that has `now()`: a test's own, or one that goes with the system's time.
    Leaving the context raises `ContractError` if a request broke the contract (`violations`).
    """

    def __init__(
        self, clock: Clock | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.lock = threading.RLock()
        self.clock: Any = clock or SettableClock()
        self.world = World(self.clock)
        self.world.accounts[PLATFORM] = {
            "id": PLATFORM,
            "object": "account",
            "charges_enabled": True,
            "details_submitted": True,
            "email": "platform@example.com",
            "type": "standard",
        }
        self.api = Api(self.world, contract(), self.lock)
        self.people = People(self.world, self.lock)
        self._deliverer = Deliverer(self.world, self.lock)
        self._pusher: Pusher | None = None
        self._server = ThreadedServer(self._app(), host, port)
        self.base_url = self.world.base_url = f"http://{host}:{self._server.port}"

    def _app(self) -> Starlette:
        paths = ("/v1/{rest:path}", "/v2/{rest:path}", "/oauth/token", "/oauth/deauthorize")
        calls = [Route(each, self.api.answer, methods=METHODS) for each in paths]
        return Starlette(routes=[*calls, *Site(self.world, self.people, self.lock).routes])

    @property
    def base_addresses(self) -> dict[str, str]:
        """What `StripeClient(base_addresses=...)` takes to speak to the fake."""
        return dict.fromkeys(("api", "connect", "files", "meter_events"), self.base_url)

    def keys(self, *, live: bool = False) -> Keys:
        """Return the platform's keys in a mode."""
        return KEYS[live]

    def start(self) -> None:
        """Serve from now on."""
        self._server.start()

    def stop(self) -> None:
        """Serve no longer."""
        if self._pusher is not None:
            self._pusher.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        """Serve within a block."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Serve no longer, and check what was asked."""
        self.stop()
        if kind is None:
            self.check()

    async def __aenter__(self) -> Self:
        """Serve within a block."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Serve no longer, and check what was asked."""
        self.__exit__(kind, error, trace)

    # The contract

    @property
    def violations(self) -> list[str]:
        """What was not as stripe-python's types have it, in requests and in answers."""
        return self.api.violations

    def check(self) -> None:
        """Raise `ContractError` if there were violations."""
        if self.violations:
            raise ContractError("\n".join(self.violations))

    def forgive(self) -> list[str]:
        """Forget the violations, and return them: for tests that make some."""
        with self.lock:
            forgiven = list(self.violations)
            self.violations.clear()
        return forgiven

    # Time

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that it brings."""
        self.clock.advance(seconds)
        self.pass_time()

    def pass_time(self) -> None:
        """Let everything happen that is due, after somebody else moved the clock."""
        with self.lock:
            pass_time(self.world)

    # Webhooks

    def connect_webhooks(self, url: str, secret: str, *more: str) -> None:
        """Send events of connected accounts to an address, signed with one secret or with several."""
        self.world.post.hooks[Target.CONNECT] = Hook(url, (secret, *more))

    def platform_webhooks(self, url: str, secret: str, *more: str) -> None:
        """Send events of the platform's own account to an address."""
        self.world.post.hooks[Target.PLATFORM] = Hook(url, (secret, *more))

    def pending(self, target: Target | None = None) -> list[Delivery]:
        """Return the events that were not taken yet, oldest first."""
        with self.lock:
            pass_time(self.world)
            return self.world.post.pending(target)

    def signed(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        """Return fields and body as they would be sent now: for tests without an endpoint."""
        return self._deliverer.request(delivery)

    async def deliver(
        self,
        order: Sequence[int] | None = None,
        duplicate: Iterable[int] = (),
        drop: Iterable[int] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> list[Delivery]:
        """Send what is pending, once. Places are those in `pending()`.

        Only places in `order` are sent now, in that order; those in `duplicate` twice; those in
        `drop` never. A `transport` leads to an application in the same process.
        """
        return await self._deliverer.deliver(order, duplicate, drop, transport)

    async def deliver_all(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Send until everything is taken. Raises `TimeoutError` if that does not come about."""
        for _ in range(ROUNDS):
            if not self.pending():
                return
            await self.deliver(transport=transport)
        left = [f"{each.type}: {each.status}" for each in self.pending()]
        raise TimeoutError(f"events are not taken: {left}")

    def push(self, every: float = 0.2) -> None:
        """Deliver in the background from now on, within so many seconds."""
        self._pusher = Pusher(self._deliverer, self.pending, every)
        self._pusher.start()

    # Trouble

    def fail(
        self,
        path: str = "/v1/",
        *,
        times: int = 1,
        status: int = 500,
        moment: Moment = Moment.BEFORE,
        method: str = "post",
    ) -> None:
        """Have the next requests to a path fail, before they do anything or after they did all.

        With status 0 the connection is cut off instead of an answer.
        """
        self.api.troubles.append(Trouble(path, times, status, moment, method))
