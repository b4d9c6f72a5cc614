"""The whole way of the money: connect, put on sale, pay, upgrade, cancel, and run out.

People do their part in Chromium, on the pages of a fake Stripe. The gateway runs in a thread, with both
planes on sockets, by a clock that goes on like any other and can be set forward.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.wait import WebDriverWait
from tests.browser.conftest import Site
from tests.browser.test_journey import Api
from tests.browser.test_pages import leave, press
from tests.service.signed_tokens import SignedTokens
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.encryption_keys import mint_key
from dream_gateway.gateway import Gateway
from dream_gateway.plugins import Plugins
from dream_gateway.server.composition import add_planes
from dream_gateway.server.serving import Planes
from dream_gateway.settings import Settings
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.conftest import Open

LIMITS = {"free": 3, "pro": 50, "team": 500}
PRICES = {"pro": 1900, "team": 4900}


class MovedClock:
    """The system's time and what it was set forward by. Safe from any thread."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def monotonic(self) -> float:
        return time.monotonic() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds


@dataclass
class Stage:
    """What runs, and somebody's token for the control plane."""

    edge: str
    service: str
    site: str
    fake: FakeStripe
    token: str


@dataclass
class Running:
    """A gateway in a thread, which has its own event loop."""

    settings: Settings
    clock: MovedClock
    plugins: Plugins
    ready: threading.Event = field(default_factory=threading.Event)
    planes: Planes = field(init=False)
    fault: BaseException | None = None

    def serve(self, edge: socket.socket, service: socket.socket) -> None:
        """Serve until `planes.drain` is called on the loop; what goes wrong is kept."""
        try:
            asyncio.run(self._serve(edge, service))
        except BaseException as exc:  # noqa: BLE001 - raised in the test's own thread
            self.fault = exc
            self.ready.set()

    def stop(self) -> None:
        """Have the planes drained, on their own loop."""
        self.loop.call_soon_threadsafe(self.planes.drain)

    async def _serve(self, edge: socket.socket, service: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self.planes = Planes(self.settings)
        gateway = Gateway(self.settings, self.clock, self.plugins)
        try:
            await gateway.start()
            upstream = add_planes(self.planes, gateway, edge, service)
            await self.planes.serve(self.ready.set)
            await upstream.close()
        finally:
            await gateway.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    clock = MovedClock()
    tokens = SignedTokens(clock)
    with FakeStripe(clock=clock) as fake, _site() as site, _sockets() as (edge, service):
        settings = Settings(
            store=f"sqlite:///{tmp_path}/gateway.db",
            upstream=site,
            encryption_keys=(mint_key(),),
            service_port=service.getsockname()[1],
            drain_seconds=1,
        )
        plugins = Plugins({"stripe": _table(fake)})
        plugins._registered["developer_identities"] = (tokens,)
        base = settings.service_base
        fake.connect_webhooks(f"{base}/webhook/stripe", "whsec_connect")
        fake.push(0.05)
        running = Running(settings, clock, plugins)
        thread = threading.Thread(target=running.serve, args=(edge, service), daemon=True)
        thread.start()
        running.ready.wait(PATIENCE_SECONDS)
        if running.fault is not None:
            raise running.fault
        address = f"http://127.0.0.1:{edge.getsockname()[1]}"
        token = tokens.sign("dev", "dev@example.com")
        yield Stage(address, base, site, fake, token)
        running.stop()
        thread.join(PATIENCE_SECONDS)
        assert running.fault is None


def _table(fake: FakeStripe) -> dict[str, object]:
    return {
        "secret_key": fake.keys().secret,
        "client_id": fake.keys().client_id,
        "webhook_secret": "whsec_connect",
        "platform_webhook_secret": "whsec_platform",
        "api_url": fake.base_url,
        "connect_url": fake.base_url,
    }


@contextmanager
def _site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def _sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    edge, service = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    for each in (edge, service):
        each.setblocking(False)
    with edge, service:
        yield edge, service


def connect(stage: Stage, driver: WebDriver) -> None:
    """Connect an account in the browser; what begins it is asked for as a dashboard there would."""
    answer = httpx.post(
        f"{stage.service}/oauth/authorize",
        json={"mode": "test", "returnUrl": f"{stage.site}/connected"},
        headers={"authorization": f"Bearer {stage.token}"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ).raise_for_status()
    driver.get(f"{stage.service}/health")
    state = {"name": "dg_connect", "value": answer.cookies["dg_connect"], "path": "/oauth/callback"}
    driver.add_cookie(state)
    driver.get(answer.json()["url"])
    driver.find_element("id", "allow").click()
    WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains("/connected?"))


def soon(told: Callable[[], Any], wanted: Any) -> float:
    """Wait until something is told; return the seconds that took."""
    begun = time.monotonic()
    until(lambda: told() == wanted, f"told {wanted!r}")
    return time.monotonic() - begun


class Shop:
    """A developer's business, and the one customer it has."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.developer = Api(stage.service, authorization=f"Bearer {stage.token}")
        assert self.developer("POST", "/platform/sign-up", {"name": "Acme"})["role"] == "owner"
        project = {"name": "Weather", "origins": [stage.site]}
        made = self.developer("POST", "/platform/projects", project)
        self.catalogue = f"/platform/projects/{made['project']['id']}/catalogue"
        secret = f"Bearer {made['secretKey']}"
        self.backend = Api(stage.service, authorization=secret)
        self.for_ada = Api(stage.service, authorization=secret, x_user_id="ada")

    def sell(self) -> None:
        """Put tiers on sale, at the account that is connected."""
        for name, limit in LIMITS.items():
            tier = {"name": name, "limit": limit, "price": PRICES.get(name, 0)}
            self.backend("POST", "/api/tiers", tier)
        (account,) = self.developer("GET", "/platform/connections")["connections"]
        assert (account["mode"], account["charges"]) == ("test", True)
        # It is pushed by itself, as it was changed: that is waited for, and not in the way of.
        soon(self.pushed, ("done", len(PRICES)))
        assert self.developer("GET", f"{self.catalogue}/drift")["drift"] == []

    def pushed(self) -> tuple[str, int]:
        """Return how far the provider has the catalogue, and how much of it is on sale."""
        told = self.developer("GET", self.catalogue)
        return told["status"], len(told["onSale"])

    def key(self) -> Api:
        """Have the customer come, and return their program."""
        ada = {"email": "ada@example.com", "externalId": "ada"}
        customer = self.backend("POST", "/api/customers", ada)["customer"]
        key = self.backend("POST", f"/api/customers/{customer['id']}/keys")["key"]
        return Api(self.stage.edge, x_api_key=key)

    def page(self, path: str, **asked: str) -> str:
        """Return where the customer is sent to."""
        return str(self.for_ada("POST", path, asked)["url"])

    def plan(self) -> tuple[str, int]:
        """Return the customer's tier and limit."""
        usage = self.for_ada("GET", "/api/usage")
        return usage["plan"], usage["limit"]

    def subscription(self) -> dict[str, Any]:
        """Return what the customer is told of their subscription."""
        told: dict[str, Any] = self.for_ada("GET", "/api/usage")["subscription"]
        return told


def test_the_limit_follows_the_money_until_what_was_paid_for_runs_out(
    stage: Stage, browsers: Open, keep: Callable[[WebDriver, str], None]
) -> None:
    driver, shop = browsers(), Shop(stage)
    connect(stage, driver)
    shop.sell()
    program = shop.key()
    asked = [program.status("/forecast") for _ in range(LIMITS["free"] + 1)]
    assert asked == [200] * LIMITS["free"] + [429]

    driver.get(shop.page("/api/create-checkout", tier="pro", successUrl=f"{stage.site}/paid"))
    keep(driver, "checkout")
    assert "19.00 USD" in driver.find_element("css selector", "main").text
    press(driver)
    assert driver.current_url == f"{stage.site}/paid"
    soon(lambda: program.status("/forecast"), 200)
    soon(shop.plan, ("pro", LIMITS["pro"]))

    driver.get(shop.page("/api/customer-portal", returnUrl=f"{stage.site}/account"))
    keep(driver, "portal")
    leave(driver, driver.find_element("xpath", "//button[contains(., 'Change to team')]"))
    soon(shop.plan, ("team", LIMITS["team"]))
    leave(driver, driver.find_element("name", "end"))
    soon(lambda: shop.subscription()["cancelAt"] is not None, True)
    told = shop.subscription()
    assert (told["status"], told["cancelAt"]) == ("active", told["currentPeriodEnd"])
    assert told["canceledAt"] is not None

    left = datetime.fromisoformat(told["cancelAt"]).timestamp() - stage.fake.clock.now()
    stage.fake.advance(left - 60)
    assert program.status("/forecast") == 200
    assert shop.plan() == ("team", LIMITS["team"])
    stage.fake.advance(90)
    soon(shop.plan, ("free", LIMITS["free"]))
    # The limit falls by the date; that it is over is the provider's to say, a moment later.
    soon(lambda: shop.subscription()["status"], "canceled")
    asked = [program.status("/forecast") for _ in range(LIMITS["free"] + 1)]
    assert asked[-1] == 429
