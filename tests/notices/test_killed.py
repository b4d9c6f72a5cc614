"""`kill -9` between any two steps: nothing is lost, and what comes twice has the same id."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.notices.conftest import drained, opened

from dream_gateway.encryption_keys import mint_key
from dream_gateway.notices.dispatcher import CLAIM_SECONDS

if TYPE_CHECKING:
    from tests.notices.conftest import Receiver, Shop

    from dream_gateway.testing import FakeClock

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


async def killed(shop: Shop, store: str, key: str, step: str) -> None:
    """Run a worker that is killed at a step, and see that it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.notices.dying_worker",
        store,
        key,
        str(shop.clock.now()),
        step,
        shop.project.id,
        cwd=ROOT,
    )
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("step", "arrivals"), [("claimed", 1), ("posted", 2), ("noted", 2)])
async def test_a_message_arrives_whenever_its_sender_is_killed(
    store: str, clock: FakeClock, receiver: Receiver, step: str, arrivals: int
) -> None:
    key = mint_key()
    async with opened(store, clock, key) as shop:
        _, secret = await shop.endpoint(receiver.url)
        await shop.customer()
        await killed(shop, store, key, step)
        dispatcher = shop.dispatcher()
        assert await drained(dispatcher) == 0
        clock.advance(CLAIM_SECONDS)
        assert await drained(dispatcher) == 1
        await dispatcher.aclose()
        (message,) = await shop.messages(status="delivered")
        assert receiver.ids == [message.id] * arrivals
        assert receiver.seen[0].verified(secret) == receiver.seen[-1].verified(secret)


async def test_what_was_not_committed_is_not_told(
    store: str, clock: FakeClock, receiver: Receiver
) -> None:
    key = mint_key()
    async with opened(store, clock, key) as shop:
        await shop.endpoint(receiver.url)
        await killed(shop, store, key, "told")
        assert await shop.messages() == []
        await shop.customer("eve")
        assert len(await shop.messages()) == 1
