"""`webhooks list` and `webhooks replay`, against a real SQLite file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.command_stores import open_records
from dream_gateway.payments import About, Account, Endpoint, Event
from dream_gateway.records import inbox
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]

ACCOUNT = Account("acct_1", live=False)


def keep(store: str, *names: str) -> None:
    """Have events received, the first of which is parked."""

    async def run() -> None:
        async with open_records(Settings(store=store)) as records:
            for name in names:
                event = Event(
                    name, "customer.subscription.updated", ACCOUNT, 1.0, About.SUBSCRIPTION, name
                )
                async with records.write("test") as writer:
                    await inbox.put(writer, Endpoint.CONNECT, event)
            async with records.write("test") as writer:
                taken = await inbox.take(writer, 60.0)
                assert taken is not None
                await inbox.park(writer, taken, "ValueError: no")

    asyncio.run(run())


@pytest.fixture
def parked(store: str) -> None:
    keep(store, "sub_1", "sub_2")


@pytest.mark.usefixtures("parked")
def test_what_is_parked_is_listed_and_replayed(done: Command) -> None:
    newest, oldest = done("webhooks", "list")["data"]
    assert [newest["ref"], oldest["ref"]] == ["sub_2", "sub_1"]
    assert (oldest["status"], oldest["attempts"], oldest["fault"]) == (
        InboxStatus.PARKED, 1, "ValueError: no",
    )  # fmt: skip
    assert done("webhooks", "list", "--status", "parked")["data"] == [oldest]
    assert done("webhooks", "list", "--before", str(newest["position"]))["data"] == [oldest]
    assert done("webhooks", "replay", "--parked") == {"replayed": 1}
    assert done("webhooks", "list", "--status", "parked")["data"] == []
    assert done("webhooks", "replay", str(oldest["position"])) == {"replayed": 1}
    assert done("audit", "--action", "webhooks.replay")["data"][0]["details"] == {"events": 1}


@pytest.mark.usefixtures("parked")
def test_what_cannot_be_replayed_is_said(refused: Command, done: Command) -> None:
    assert "There is no event at one of these positions." in refused("webhooks", "replay", "1", "9")
    assert "usage" in refused("webhooks", "replay")
    assert "usage" in refused("webhooks", "replay", "1", "--parked")
    assert len(done("webhooks", "list", "--status", "parked")["data"]) == 1
