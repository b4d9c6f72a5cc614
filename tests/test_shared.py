"""The cache that nodes share: it saves reads, and never brings back what has changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.memory.kv import MemoryKeyValue
from dream_gateway.model import Mode, Project
from dream_gateway.shared import FILL_SECONDS, LIFE_SECONDS, MEMORY_SECONDS, SharedSource
from dream_gateway.storage import Change, Subject
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from dream_gateway.source import Source
    from dream_gateway.storage import KeyValue

ID = "prj_1"
NODES = 2
CHANGED = Change(Subject.PROJECT, ID)


@dataclass
class Records:
    """One project, whose name is its version. What is read may be held for a while."""

    version: int = 0
    reads: int = 0
    gate: asyncio.Event | None = None

    async def project(self, project_id: str) -> Project | None:
        self.reads += 1
        found = Project(project_id, "plt_1", str(self.version), Mode.LIVE, "free")
        if self.gate is not None:
            await self.gate.wait()
        return found


def node(records: Records, kv: KeyValue, clock: FakeClock) -> SharedSource:
    return SharedSource(cast("Source", records), kv, clock)


async def version(of: SharedSource) -> int:
    found = await of.project(ID)
    assert found is not None
    return int(found.name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kv(clock: FakeClock) -> KeyValue:
    return MemoryKeyValue(clock)


async def test_what_one_node_read_another_need_not(kv: KeyValue, clock: FakeClock) -> None:
    records = Records()
    one, two = node(records, kv, clock), node(records, kv, clock)
    two.following()
    clock.advance(MEMORY_SECONDS + 1)
    assert (await version(one), await version(two)) == (0, 0)
    assert records.reads == 1


async def test_a_node_that_has_not_followed_for_long_takes_nothing(
    kv: KeyValue, clock: FakeClock
) -> None:
    records = Records()
    await version(node(records, kv, clock))
    late = node(records, kv, clock)
    late.following()
    clock.advance(LIFE_SECONDS - 1)
    records.version = 1
    assert await version(late) == 1


async def test_what_was_heard_to_change_is_read_from_the_records(
    kv: KeyValue, clock: FakeClock
) -> None:
    records = Records()
    one, two = node(records, kv, clock), node(records, kv, clock)
    two.following()
    clock.advance(MEMORY_SECONDS + 1)
    await version(one)
    records.version = 1
    two.heard([CHANGED])
    assert await version(two) == 1
    clock.advance(MEMORY_SECONDS + 1)
    await version(one)
    assert await version(two) == 1
    assert records.reads == 3


async def test_when_anything_may_have_changed_nothing_is_taken(
    kv: KeyValue, clock: FakeClock
) -> None:
    records = Records()
    one, two = node(records, kv, clock), node(records, kv, clock)
    two.following()
    clock.advance(MEMORY_SECONDS + 1)
    await version(one)
    records.version = 1
    two.heard([Change(Subject.ALL, "")])
    assert await version(two) == 1


async def test_while_the_shared_cache_is_away_the_records_are_read(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Away:
        async def get(self, key: str) -> bytes | None:
            raise StoreUnavailableError

        async def put(self, key: str, value: bytes, ttl: float) -> None:
            raise StoreUnavailableError

    one = node(Records(), cast("KeyValue", Away()), clock)
    one.following()
    clock.advance(MEMORY_SECONDS + 1)
    assert [await version(one) for _ in range(3)] == [0, 0, 0]
    assert caplog.text.count("The shared cache is away") == 1


async def test_what_is_not_ours_is_read_over(kv: KeyValue, clock: FakeClock) -> None:
    one = node(Records(), kv, clock)
    one.following()
    clock.advance(MEMORY_SECONDS + 1)
    await kv.put(f"dream-gateway:1:project:{ID}", b"\xffnonsense", 600)
    assert await version(one) == 0


async def test_what_took_long_to_read_is_not_shared(kv: KeyValue, clock: FakeClock) -> None:
    records = Records(gate=asyncio.Event())
    one, two = node(records, kv, clock), node(records, kv, clock)
    two.following()
    clock.advance(MEMORY_SECONDS + 1)
    slow = asyncio.create_task(version(one))
    await asyncio.sleep(0)
    clock.advance(FILL_SECONDS)
    assert records.gate is not None
    records.gate.set()
    assert await slow == 0
    records.version = 1
    assert await version(two) == 1


@dataclass
class Worker:
    """A node, and the version it must not fall behind: as of what it heard last."""

    source: SharedSource
    follows: bool = False
    least: int = 0
    slow: list[tuple[asyncio.Task[int], asyncio.Event]] = field(default_factory=list)


class SharedMachine(RuleBasedStateMachine):
    """Nodes that read, fast and slowly, while the project changes and feeds come and go."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.records = Records()
        kv = MemoryKeyValue(self.clock)
        self.workers = [Worker(node(self.records, kv, self.clock)) for _ in range(NODES)]

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            for worker in self.workers:
                for _, gate in worker.slow:
                    self.runner.run(self._finish(gate))
            self.runner.close()

    @rule(seconds=st.sampled_from([0.5, FILL_SECONDS, LIFE_SECONDS - 1, MEMORY_SECONDS + 1]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def change(self) -> None:
        self.records.version += 1
        for worker in self.workers:
            if worker.follows:
                worker.source.heard([CHANGED])
                worker.least = self.records.version

    @rule(number=st.integers(0, NODES - 1))
    def follow(self, number: int) -> None:
        worker = self.workers[number]
        worker.source.following()
        worker.follows, worker.least = True, self.records.version

    @rule(number=st.integers(0, NODES - 1))
    def lose(self, number: int) -> None:
        worker = self.workers[number]
        worker.source.lost()
        worker.follows = False

    @rule(number=st.integers(0, NODES - 1))
    def read_slowly(self, number: int) -> None:
        self.runner.run(self._begin_slow(self.workers[number]))

    @rule(number=st.integers(0, NODES - 1))
    def read_on(self, number: int) -> None:
        worker = self.workers[number]
        if worker.slow:
            self.runner.run(self._finish(worker.slow.pop(0)[1]))

    @invariant()
    def nobody_falls_behind(self) -> None:
        for worker in getattr(self, "workers", ()):
            seen = self.runner.run(version(worker.source))
            assert seen >= (worker.least if worker.follows else self.records.version)

    async def _begin_slow(self, worker: Worker) -> None:
        gate = self.records.gate = asyncio.Event()
        task = asyncio.create_task(version(worker.source))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.records.gate = None
        worker.slow.append((task, gate))

    async def _finish(self, gate: asyncio.Event) -> None:
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)


def test_nothing_that_changed_comes_back() -> None:
    limits = settings(max_examples=100, stateful_step_count=40, database=None)
    run_state_machine_as_test(SharedMachine, settings=limits)
