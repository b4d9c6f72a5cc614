"""The meter against a plain model: several workers, a store that comes and goes, crashes, journals.

Every step of the ledger is held until the machine lets it go, so whatever can happen between asking
and hearing does happen somewhere.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.counter import Counter
from dream_gateway.errors import GatewayError, StoreUnavailableError
from dream_gateway.housekeeping import settle_dead_journals
from dream_gateway.journal import Journal, boot_id
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.meter import Meter
from dream_gateway.storage import Quota
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from dream_gateway.waiting import Denial

LIMITS = {"own": 20, "shared": 35, "free": None}
WORKERS = (0, 1, 2)
BOOT = boot_id()


class Held:
    """A real ledger of two parts, of which every call waits twice: before it acts and answers."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._gates: deque[asyncio.Future[None]] = deque()
        self.away = False
        self.deaf = False
        """Whether what is asked is done, and its answer lost."""
        self.open = False

    def part(self, shard: int) -> int:
        return shard % 2

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: object) -> object:
            await self._pause()
            if self.away:
                raise StoreUnavailableError
            answer = await getattr(self._ledger, verb)(*arguments)
            await self._pause()
            if self.deaf:
                raise StoreUnavailableError
            return answer

        return call

    def release(self) -> None:
        """Let the call that waits longest go one step on."""
        if self._gates:
            gate = self._gates.popleft()
            if not gate.done():
                gate.set_result(None)

    def release_all(self) -> None:
        """Hold nothing back any more, until `open` is set to `False`."""
        self.open = True
        while self._gates:
            self.release()

    async def _pause(self) -> None:
        if not self.open:
            gate = asyncio.get_running_loop().create_future()
            self._gates.append(gate)
            await gate


@dataclass
class Worker:
    """One process: a meter and its journal, and the spends that wait for it."""

    meter: Meter
    journal: Journal
    waiting: list[tuple[tuple[str, ...], int, asyncio.Task[Denial | None]]] = field(
        default_factory=list
    )
    holding: dict[str, Counter] = field(default_factory=dict)
    admitted: list[tuple[tuple[str, ...], int, tuple[Counter, ...]]] = field(default_factory=list)
    refunded: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0))

    def counters(self, names: Sequence[str]) -> tuple[Counter, ...]:
        for name in names:
            found = self.meter.counter(Counter(name, name, Quota(LIMITS[name]), None))
            self.holding[name] = found
        return tuple(self.holding[name] for name in names)


def abandon(journal: Journal) -> None:
    """Let go of a journal as the kernel does when its process is killed."""
    journal.cells.release()
    journal._bytes.release()
    journal._map.close()
    os.close(journal._file)


names = st.sampled_from([("own",), ("shared",), ("free",), ("own", "shared"), ("free", "own")])
costs = st.integers(1, 9)
workers = st.sampled_from(WORKERS)


class MeterMachine(RuleBasedStateMachine):
    """What was admitted is never above a limit, and in the end it is what is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.truth = MemoryLedger(self.clock)
        self.ledger = Held(self.truth)
        self.workers = {number: self._start() for number in WORKERS}
        self.admitted = dict.fromkeys(LIMITS, 0)
        self.refunds_of_the_dead = dict.fromkeys(LIMITS, 0)

    def teardown(self) -> None:
        try:
            self._check_the_end()
        finally:
            for worker in self.workers.values():
                worker.journal.close()
            self.loop.close()
            self.folder.cleanup()

    @rule(worker=workers, names=names, cost=costs)
    def spend(self, worker: int, names: tuple[str, ...], cost: int) -> None:
        own = self.workers[worker]
        task = self.loop.create_task(own.meter.spend(own.counters(names), cost))
        own.waiting.append((names, cost, task))
        self._turn()

    @rule(worker=workers, names=names, cost=costs)
    def try_spend(self, worker: int, names: tuple[str, ...], cost: int) -> None:
        own = self.workers[worker]
        now = self.clock.monotonic()
        if self._inside(lambda: own.meter.try_spend(own.counters(names), cost, now)):
            self._note(own, names, cost)

    @rule(worker=workers)
    def refund(self, worker: int) -> None:
        """Take back the oldest charge of this worker."""
        own = self.workers[worker]
        if own.admitted:
            names, cost, counters = own.admitted.pop(0)
            self._inside(lambda: own.meter.refund(counters, cost))
            for name in names:
                self.admitted[name] -= cost
                own.refunded[name] += cost

    @rule(worker=workers)
    def caller_goes_away(self, worker: int) -> None:
        for _, _, task in self.workers[worker].waiting[:1]:
            task.cancel()
        self._turn()

    @rule(steps=st.integers(1, 6))
    def let_go(self, steps: int) -> None:
        for _ in range(steps):
            self.ledger.release()
            self._turn()

    @rule(worker=workers, seconds=st.sampled_from([0.1, 1.0, 6.0]))
    def sweep(self, worker: int, seconds: float) -> None:
        self.clock.advance(seconds)
        self._inside(self.workers[worker].meter.sweep)

    @rule(worker=workers, names=names)
    def hand_in(self, worker: int, names: tuple[str, ...]) -> None:
        own = self.workers[worker]
        task = self.loop.create_task(own.meter.release(own.counters(names)))
        self._turn()
        task.cancel()
        self._turn()

    @rule(away=st.booleans(), deaf=st.booleans())
    def store(self, away: bool, deaf: bool) -> None:
        self.ledger.away, self.ledger.deaf = away, deaf

    @rule(worker=workers)
    def kill(self, worker: int) -> None:
        """SIGKILL: nothing more runs, what waits is never answered, the lock on the journal goes."""
        own = self.workers[worker]
        self._stop_all_of(own)
        abandon(own.journal)
        for name, units in own.refunded.items():
            self.refunds_of_the_dead[name] += units
        self.workers[worker] = self._start()
        self._settle_the_dead()

    @invariant()
    def never_above_a_limit(self) -> None:
        for name, limit in LIMITS.items():
            assert limit is None or self.admitted[name] <= limit

    @invariant()
    def never_less_in_the_ledger_than_was_admitted(self) -> None:
        for name, (used, out) in self._tallies().items():
            assert used + out >= self.admitted[name], name

    def _check_the_end(self) -> None:
        """With everything given back, the ledger has what was admitted, and lets the rest be spent."""
        self.ledger.away = self.ledger.deaf = False
        self.ledger.release_all()
        for _ in range(3):
            for worker in self.workers.values():
                # The sweep sends again what did not reach the store.
                self._inside(worker.meter.sweep)
                self._finish(worker.meter.release(tuple(worker.holding.values())))
        self._settle_the_dead()
        self._turn()
        for name, (used, out) in self._tallies().items():
            # A refund on its way dies with its process, and is all that may stay counted.
            most = self.admitted[name] + self.refunds_of_the_dead[name]
            assert (self.admitted[name] <= used <= most, out) == (True, 0)
            self.admitted[name] = used
        self.clock.advance(60.0)
        own = self.workers[0]
        for name, limit in LIMITS.items():
            left = 10 if limit is None else limit - self.admitted[name]
            if left:
                assert self._finish(own.meter.spend(own.counters((name,)), left)) is None
        for name, limit in LIMITS.items():
            denial = self._finish(own.meter.spend(own.counters((name,)), 1))
            assert (denial is None) == (limit is None)

    def _start(self) -> Worker:
        journal = Journal(Path(self.folder.name), "ledger", BOOT)
        options = MeterOptions(workers=len(WORKERS), share=1.0)
        return Worker(Meter(self.ledger, journal, self.clock, options), journal)  # type: ignore[arg-type] # by name

    def _stop_all_of(self, worker: Worker) -> None:
        flushing = [lane.flushing for lane in worker.meter._dispatcher._lanes.all()]
        for task in [task for _, _, task in worker.waiting] + [each for each in flushing if each]:
            task.cancel()
        worker.waiting.clear()
        self._turn()

    def _settle_the_dead(self) -> None:
        folder = Path(self.folder.name)
        self._finish(settle_dead_journals(self.truth, "ledger", folder))

    def _tallies(self) -> dict[str, tuple[int, int]]:
        found = self._finish(self.truth.usage(list(LIMITS)))
        return {name: (t.used, t.out) for name, t in zip(LIMITS, found, strict=True)}

    def _finish(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE_SECONDS))

    def _inside(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        answer = self._finish(run())
        self._turn()
        return answer

    def _turn(self) -> None:
        """Run what can run, and note what was answered."""

        async def turn() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())
        for worker in self.workers.values():
            for entry in [e for e in worker.waiting if e[2].done()]:
                worker.waiting.remove(entry)
                self._hear(worker, *entry)

    def _hear(
        self, own: Worker, names: tuple[str, ...], cost: int, task: asyncio.Task[Denial | None]
    ) -> None:
        if task.cancelled():
            return
        fault = task.exception()
        assert fault is None or isinstance(fault, GatewayError)
        if fault is None and task.result() is None:
            self._note(own, names, cost)

    def _note(self, own: Worker, names: tuple[str, ...], cost: int) -> None:
        own.admitted.append((names, cost, tuple(own.holding[name] for name in names)))
        for name in names:
            self.admitted[name] += cost


TestMeter = MeterMachine.TestCase
TestMeter.settings = settings(max_examples=60, stateful_step_count=40)
