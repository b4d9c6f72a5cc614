"""What must outlive the process that asked for it: killed by itself right after the answers."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.plugins import open_backend
from dream_gateway.storage import Charge, Outcome, Quota, Role, Tally
from dream_gateway.testing.ledger_base import back, event, quota, record_one, take_one
from dream_gateway.testing.store import StoreFixtures, need, opened

if TYPE_CHECKING:
    from dream_gateway.storage import Backend
    from dream_gateway.testing.store import NewUrl

DEATHS = 5


class DurabilityContract(StoreFixtures):
    """Skipped where the backend is not `persistent`."""

    @pytest.fixture
    def lasting_url(self, new_url: NewUrl, unopened: Backend) -> str:
        """Return the URL of a new, empty store that outlives a process."""
        need(unopened, Role.LEDGER)
        if not unopened.persistent:
            pytest.skip("this store forgets when its process ends")
        return new_url()

    async def test_what_was_answered_survives_kill_9(self, lasting_url: str) -> None:
        """Leases, returns and events, again and again; nothing is counted twice either."""
        for number in range(DEATHS):
            granted = await die(lasting_url, f"death{number}")
            assert granted == {"granted": 5, "event": "recorded"}
        async with opened(lasting_url, SystemClock()) as backend:
            ledger = backend.ledger()
            # Of each 5 taken, 2 were given back as spent with a second lease of 3 left open.
            assert await ledger.usage(["s/q", "s/e"]) == [
                Tally(2 * DEATHS, 3 * DEATHS), Tally(DEATHS, 0),
            ]  # fmt: skip
            for number in range(DEATHS):
                again = await record_one(ledger, event(f"death{number}-e", 1))
                assert again.outcome is Outcome.CONFLICT
                await ledger.give_back([back(f"death{number}-open", 1)])
            assert await ledger.usage(["s/q"]) == [Tally(3 * DEATHS, 0)]

    async def test_the_ledger_keeps_its_name(self, lasting_url: str) -> None:
        """Journals of leases are known by it."""
        names = set()
        for _ in range(2):
            async with opened(lasting_url, SystemClock()) as backend:
                names.add(await backend.ledger().identity())
        assert len(names) == 1


async def die(url: str, name: str) -> object:
    """Run a process that uses the ledger and kills itself; return what it was answered."""
    arguments = ("-m", "dream_gateway.testing.casualty", url, name)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    return json.loads(output)


async def use(url: str, name: str) -> dict[str, object]:
    """Take two leases, give one back, record an event; return the answers, closing nothing."""
    backend = open_backend(url, SystemClock())
    await backend.start()
    ledger = backend.ledger()
    first = await take_one(ledger, quota(f"{name}-closed", 2, None))
    await ledger.give_back([back(f"{name}-closed", 2)])
    second = await take_one(ledger, quota(f"{name}-open", 3, None))
    charged = event(f"{name}-e", 1, Charge("s/e", Quota(None)), fingerprint=name)
    answer = await record_one(ledger, charged)
    return {"granted": first.granted + second.granted, "event": answer.outcome.value}
