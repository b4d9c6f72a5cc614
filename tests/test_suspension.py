"""A customer who is suspended, on every way through one worker: warm, and without a lease in hand."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.waiting import becomes

from dream_gateway.administration import Administration
from dream_gateway.edge.middleware import GatewayMiddleware
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.storage import Outcome
from dream_gateway.testing.clock import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway.usage_events import TrackedEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.records.projects import NewProject


@dataclass
class Shop:
    """A gateway with one customer, ada, behind the middleware of an application."""

    gateway: Gateway
    made: NewProject
    key: str
    client: httpx.AsyncClient

    async def suspend(self, *, suspended: bool) -> None:
        """Suspend ada or resume them, and wait until this worker has heard."""
        admin = Administration(self.gateway.records)
        await admin.suspend_customer(self.made.project.id, "ada", suspended=suspended)
        await becomes(self.is_refused, suspended)

    async def is_refused(self) -> bool:
        """Ask without charging."""
        code = (await self.gateway.admission.key(self.key, 0)).code
        return code == "customer_suspended"

    async def used(self) -> int:
        usage = (await self.gateway.admission.usage(self.made.project, "ada")).usage
        assert usage is not None
        return usage.used

    async def asked(self) -> httpx.Response:
        return await self.client.get("/", headers={"authorization": f"Bearer {self.key}"})


async def hello(_request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Shop]:
    gateway = Gateway(Settings(store=f"sqlite:///{path}"), FakeClock())
    try:
        await gateway.start()
        admin = Administration(gateway.records)
        tier = parse_tier("pro=1000000/month@100000/s")
        made = await admin.create_platform("shop", Mode.TEST, [tier], [])
        await admin.create_customer(made.project.id, "ada", None)
        key = (await admin.create_key(made.project.id, "ada")).secret
        app: Any = GatewayMiddleware(Starlette(routes=[Route("/", hello)]), gateway=gateway)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            yield Shop(gateway, made, key, client)
    finally:
        await gateway.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path / "dream.db") as each:
        yield each


async def test_whoever_is_suspended_passes_nowhere_and_is_charged_nothing(shop: Shop) -> None:
    admission, project = shop.gateway.admission, shop.made.project
    for _ in range(12):
        assert (await admission.key(shop.key, 500)).allowed
    assert (await admission.track(project, "ada", 500, None)).allowed
    assert admission.try_key(shop.key, 1) is not None
    assert admission.try_track(project, "ada", 1) is not None
    assert (await shop.asked()).text == "hello"
    await shop.suspend(suspended=True)
    used = await shop.used()
    assert used == 13 * 500 + 3
    assert admission.try_key(shop.key, 1) is None
    assert admission.try_track(project, "ada", 1) is None
    for found in (await admission.key(shop.key, 1), await admission.track(project, "ada", 1, None)):
        assert (found.allowed, found.code) == (False, "customer_suspended")
        assert found.customer is not None
    refused = await shop.asked()
    assert (refused.status_code, refused.json()["code"]) == (403, "customer_suspended")
    assert await shop.used() == used
    await shop.suspend(suspended=False)
    assert (await shop.asked()).text == "hello"
    assert await shop.used() == used + 1


async def test_of_a_batch_only_their_events_are_refused(shop: Shop) -> None:
    admission, project = shop.gateway.admission, shop.made.project
    admin = Administration(shop.gateway.records)
    await admin.create_customer(project.id, "grace", None)
    events = [TrackedEvent(user, 2, f"{user}-1", user) for user in ("ada", "grace", "ada")]
    events[2] = TrackedEvent("ada", 3, "ada-2", "other")
    await shop.suspend(suspended=True)
    found = await admission.events.record(project, events)
    assert [verdict.code for verdict, _ in found] == [
        "customer_suspended",
        "allowed",
        "customer_suspended",
    ]
    assert await shop.used() == 0
    await shop.suspend(suspended=False)
    outcomes = [recorded.outcome for _, recorded in await admission.events.record(project, events)]
    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE, Outcome.RECORDED]
    assert await shop.used() == 5
