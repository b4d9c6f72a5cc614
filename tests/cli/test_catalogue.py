"""`dream-gateway billing push` and `drift`, against the fake Stripe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.command_stores import open_records
from dream_gateway.model import Mode
from dream_gateway.payments import AccountState
from dream_gateway.records import accounts
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.settings import Settings
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Result

    Command = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as made:
        yield made


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeStripe) -> None:
    """Have commands take money by the fake."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[plugins.stripe]\nsecret_key = "{fake.keys().secret}"\n'
        f'api_url = "{fake.base_url}"\nconnect_url = "{fake.base_url}"\n'
    )
    monkeypatch.setenv("DREAM_GATEWAY_CONFIG", str(file))


@pytest.fixture
def project(done: Command) -> dict[str, str]:
    """A project that sells one tier and one product."""
    tiers = ("--tier", "free=100/month", "--tier", "pro=unlimited")
    made: dict[str, str] = done("platform", "create", "--name", "Acme", *tiers)
    own = ("--project", made["projectId"])
    done("tier", "set", *own, "pro=unlimited", "--price", "9900", "--billing-interval", "year")
    done("product", "set", *own, "--name", "mug", "--price", "1999")
    return made


def connect(store: str, project: dict[str, str], account: str) -> None:
    async def run() -> None:
        state = AccountState(account, charges=True, details_submitted=True)
        async with open_records(Settings(store=store)) as records, records.write("t") as writer:
            platform = project["platformId"]
            await accounts.connect(writer, platform, Mode.TEST, state, AccountStatus.ACTIVE)

    asyncio.run(run())


@pytest.mark.usefixtures("configured")
def test_pushed_and_repaired(
    done: Command, project: dict[str, str], store: str, fake: FakeStripe
) -> None:
    account = fake.people.connected()
    connect(store, project, account)
    own = ("--project", project["projectId"])
    rows = done("billing", "push", *own)["data"]
    assert [(row["kind"], row["amount"], row["interval"]) for row in rows] == [
        ("tier", 9900, "year"),
        ("product", 1999, None),
    ]
    assert done("billing", "drift", *own) == {"data": []}
    books = fake.world.books(account, live=False)
    books.get(rows[1]["productId"], "product")["name"] = "Cup"
    told = done("billing", "drift", *own, "--repair")["data"]
    assert [(row["problem"], row["fields"]) for row in told] == [("different", ["name"])]
    assert done("billing", "drift", *own) == {"data": []}


@pytest.mark.usefixtures("configured")
def test_without_an_account(run: Callable[..., Result], project: dict[str, str]) -> None:
    for name in ("push", "drift"):
        result = run("billing", name, "--project", project["projectId"])
        assert result.code == 1
        assert result.err.startswith("error: billing_account_missing: ")


def test_without_a_plugin(run: Callable[..., Result], project: dict[str, str]) -> None:
    result = run("billing", "push", "--project", project["projectId"])
    assert (result.code, result.err.split(":")[1]) == (1, " billing_not_configured")
