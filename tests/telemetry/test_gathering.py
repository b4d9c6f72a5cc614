"""A worker's farewell: it is the last thing that is written of it, whatever was being written."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, cast

from tests.waiting import eventually

from dream_gateway import metrics
from dream_gateway.telemetry.gathering import Telemetry
from dream_gateway.telemetry.node import Node
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from dream_gateway.records.database import Records
    from dream_gateway.telemetry.node import Page

NO_RECORDS = cast("Records", None)
"""Nobody asks here what waits in them."""


def hold_back(patch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Hold back what is written of a worker that goes on; return "it is begun", and "let it go"."""
    begun, go = threading.Event(), threading.Event()
    really = Node._put

    def put(node: Node, name: str, page: Page) -> None:
        if not page.ended:
            begun.set()
            go.wait(60)
        really(node, name, page)

    patch.setattr(Node, "_put", put)
    return begun, go


async def test_the_farewell_is_written_after_what_was_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = Telemetry(tmp_path / "n", NO_RECORDS, FakeClock(), "1")
    with monkeypatch.context() as patch:
        begun, go = hold_back(patch)
        telemetry.begin()
        await asyncio.to_thread(begun.wait, 60)
        closing = asyncio.create_task(telemetry.aclose())
        # It waits behind what is being written; or it has ended already, which is what must not be.
        in_turn = telemetry._files._work_queue
        await eventually(lambda: closing.done() or in_turn.qsize(), "handed the farewell over")
        go.set()
        await closing
        await asyncio.get_running_loop().shutdown_default_executor()
    told = Node(tmp_path / "n", "other").read()
    assert told[metrics.DEATHS.name] == {(): 0}
    assert told[metrics.STARTS.name] == {(): 1}


async def test_whoever_asks_after_the_farewell_is_told_and_brings_nobody_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = Telemetry(tmp_path / "n", NO_RECORDS, FakeClock(), "1")
    monkeypatch.setattr(telemetry, "_backlog_at", FakeClock().monotonic())
    telemetry.begin()
    await telemetry.node()
    await telemetry.aclose()
    told = await telemetry.node()
    assert told[metrics.DEATHS.name] == {(): 0}
    assert told[metrics.STARTS.name] == {(): 1}
    assert metrics.WORKERS.name not in told
    assert list((tmp_path / "n").glob("*.alive")) == []
