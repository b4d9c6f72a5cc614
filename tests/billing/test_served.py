"""A gateway that is served, with the plugin in its configuration: who pays has their limit lifted."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.billing.till import CONNECT_SECRET, ORIGIN, PLATFORM_SECRET, TIERS, settings_of

from dream_gateway.administration import Administration
from dream_gateway.model import Mode
from dream_gateway.opening import open_records
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

LIMIT_SECONDS = 30.0


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


@contextmanager
def serving(folder: Path, fake: FakeStripe, store: str) -> Iterator[str]:
    """Serve, and return the URL of the service."""
    table = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings_of(fake).items())
    (folder / "gateway.toml").write_text(
        f'store = "{store}"\nport = 0\nservice_port = 0\nworkers = 2\n[plugins.stripe]\n{table}'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "dream_gateway", "serve", "--json", "--config", "gateway.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["service"]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_SECONDS) == 0


def test_the_limit_is_lifted_as_soon_as_it_is_paid_for(tmp_path: Path, fake: FakeStripe) -> None:
    store = f"sqlite:///{tmp_path / 'dream.db'}"
    new = made(store, fake.people.connected())
    headers = {"authorization": f"Bearer {new.secret_key}", "x-user-id": "ada"}
    with (
        serving(tmp_path, fake, store) as url,
        httpx.Client(base_url=url, headers=headers, timeout=LIMIT_SECONDS) as client,
    ):
        fake.connect_webhooks(f"{url}/webhook/stripe", CONNECT_SECRET)
        fake.platform_webhooks(f"{url}/webhook/stripe/platform", PLATFORM_SECRET)
        fake.push(0.02)
        session = choose(client)["sessionId"]
        while client.post("/api/data").status_code == 200:
            pass
        fake.people.check_out(session)
        paid = time.monotonic()
        while client.get("/api/usage").json()["limit"] != 1_000:
            assert time.monotonic() < paid + LIMIT_SECONDS
        assert client.post("/api/data").status_code == 200


def choose(client: httpx.Client) -> dict[str, Any]:
    """Choose a tier, once the catalogue is pushed, which happens by itself."""
    until = time.monotonic() + LIMIT_SECONDS
    while True:
        answer = client.post("/api/create-checkout", json={"tier": "pro"})
        if answer.status_code == 200:
            begun: dict[str, Any] = answer.json()
            return begun
        assert answer.status_code == 409, answer.text
        assert time.monotonic() < until
        time.sleep(0.05)
