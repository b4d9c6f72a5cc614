"""Usage events that are refused: what is told of the customer's usage is the ledger's, on any worker."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from dream_gateway.administration import Administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway.usage_events import TrackedEvent

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 5


@pytest.mark.parametrize("cost", [1, LIMIT + 1])
async def test_another_worker_that_refuses_tells_what_was_used(tmp_path: Path, cost: int) -> None:
    settings, clock = Settings(store=f"sqlite:///{tmp_path}/dream.db"), FakeClock()
    async with AsyncExitStack() as stack:
        first, second = Gateway(settings, clock), Gateway(settings, clock)
        for each in (first, second):
            stack.push_async_callback(each.close)
            await each.start()
        admin = Administration(first.records)
        tier = parse_tier(f"free={LIMIT}/month")
        project = (await admin.create_platform("shop", Mode.TEST, [tier], [])).project
        spent = TrackedEvent("ada", LIMIT, "first", "first")
        assert (await first.admission.events.record(project, [spent]))[0][0].allowed
        more = TrackedEvent("ada", cost, "second", "second")
        ((refused, _),) = await second.admission.events.record(project, [more])
    assert refused.code == "quota_exceeded"
    assert refused.usage is not None
    assert refused.usage.used == LIMIT
    assert [policy.remaining for policy in refused.policies] == [0]
