"""A gateway that is served, with the plugin in its configuration: who pays has their limit lifted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.billing.till import CONNECT_SECRET, ORIGIN, PLATFORM_SECRET, TIERS, settings_of
from tests.servers.gateway import installation
from tests.waiting import until

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_records
from dream_gateway.model import Mode
from dream_gateway.payments import AccountState
from dream_gateway.records import accounts, projects, pushes
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.settings import Settings
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dream_gateway.records.projects import NewProject

pytestmark = pytest.mark.long


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as each:
        yield each


def made(store: str, account: str) -> NewProject:
    """Make a project that sells tiers, and whose account is connected."""

    async def run() -> NewProject:
        async with open_records(Settings(store=store)) as records:
            new = await Administration(records).create_platform("shop", Mode.TEST, TIERS, ())
            state = AccountState(account, charges=True, details_submitted=True)
            async with records.write("test") as writer:
                platform = new.project.platform_id
                await accounts.connect(writer, platform, Mode.TEST, state, AccountStatus.ACTIVE)
                await pushes.touch_all(writer, platform, Mode.TEST)
                await projects.change(writer, replace(new.project, origins=(ORIGIN,)))
        return new

    return asyncio.run(run())


def test_the_limit_is_lifted_as_soon_as_it_is_paid_for(tmp_path: Path, fake: FakeStripe) -> None:
    store = f"sqlite:///{tmp_path / 'dream.db'}"
    new = made(store, fake.people.connected())
    headers = {"authorization": f"Bearer {new.secret_key}", "x-user-id": "ada"}
    place = installation(tmp_path, store=store, workers=2, plugins={"stripe": settings_of(fake)})
    with (
        place.serving() as gateway,
        httpx.Client(base_url=gateway.service, headers=headers, timeout=30) as client,
    ):
        url = gateway.service
        fake.connect_webhooks(f"{url}/webhook/stripe", CONNECT_SECRET)
        fake.platform_webhooks(f"{url}/webhook/stripe/platform", PLATFORM_SECRET)
        fake.push(0.02)
        session = choose(client)["sessionId"]
        while client.post("/api/data").status_code == 200:
            pass
        fake.people.check_out(session)
        until(lambda: client.get("/api/usage").json()["limit"] == 1_000, "lifted")
        assert client.post("/api/data").status_code == 200


def choose(client: httpx.Client) -> dict[str, Any]:
    """Choose a tier, once the catalogue is pushed, which happens by itself."""

    def begun() -> dict[str, Any] | None:
        answer = client.post("/api/create-checkout", json={"tier": "pro"})
        assert answer.status_code in {200, 409}, answer.text
        return answer.json() if answer.status_code == 200 else None

    return until(begun, "pushed") or {}
