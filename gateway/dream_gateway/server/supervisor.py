"""Keeps a gateway's worker processes alive until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, OperatorError
from dream_gateway.server.listeners import open_listeners
from dream_gateway.server.reload import Reloader
from dream_gateway.server.status import LEAVE, REOPEN, operator_error
from dream_gateway.server.worker_process import start_worker
from dream_gateway.server.workers import Workers
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.server.listeners import Addresses, Listeners
    from dream_gateway.server.worker_process import WorkerProcess
    from dream_gateway.settings import Settings

YOUNG_SECONDS = 2.0
"""A worker that dies younger than this is replaced after a pause, not at once."""

SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
"""The pause doubles, up to this, each time in a row that a worker cannot even start."""

MOST_FAILURES = 3
"""How many workers in a row may die without a word before the first was ever ready."""

CLOSING_SECONDS = 10.0
"""How long a worker may take to return its leases after the drain, before it is killed."""


class Supervisor:
    """The process people start: it listens, and its workers serve.

    `on_ready` is called once, when every worker accepts connections. `on_event` gets a line for
    people about each thing that goes wrong meanwhile, and about each reload. `reread` returns the
    settings as they are now, for a reload. Use it from one event loop; `run` once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_ready: Callable[[Addresses], None],
        on_event: Callable[[str], None],
        reread: Callable[[], Settings] | None = None,
    ) -> None:
        self._on_ready = on_ready
        self._on_event = on_event
        self._workers = Workers(settings.workers)
        self._reloader = Reloader(settings, self._workers, reread or (lambda: settings), on_event)
        self._not_ready = set(range(settings.workers))
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()

    @property
    def _settings(self) -> Settings:
        return self._reloader.generation.settings

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run now, but for those that were replaced."""
        return tuple(worker.pid for worker in self._workers.present())

    def stop(self) -> None:
        """Drain and end; called again: give requests under way up. Never blocks."""
        if self._stopping.is_set():
            self._hurrying.set()
        self._stopping.set()

    def reload(self) -> None:
        """Read the settings again, and put workers with those in the place of all. Never blocks.

        While that is being done, it is noted, and done once more afterwards. Not done any more once
        this was told to stop.
        """
        if self._stopping.is_set():
            self._on_event("not reloaded: the gateway is stopping")
        else:
            self._reloader.ask()

    def reopen_logs(self) -> None:
        """Have every worker go on in a new file of the access log's name. Never blocks."""
        for worker in self._workers.all():
            worker.tell(REOPEN)

    async def run(self) -> None:
        """Listen, and keep the workers alive, until `stop`; then return with all of them ended.

        Raises `AddressInUseError` and `ConfigurationError` before any worker is started, and any
        `OperatorError` with which a worker could not start.
        """
        _check_shareable(self._settings)
        self._reloader.begin()
        listeners = open_listeners(self._settings)
        tending = [
            asyncio.create_task(self._tend(number, listeners))
            for number in range(self._settings.workers)
        ]
        stopping = asyncio.create_task(_passes(self._stopping))
        reloading = asyncio.create_task(self._reloader.run(listeners))
        try:
            await asyncio.wait([*tending, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in tending:
                if task.done():
                    task.result()
            await self._leave(reloading)
        finally:
            self._stopping.set()
            stopping.cancel()
            reloading.cancel()
            # New connections are refused from here on, once the workers have closed theirs too.
            listeners.close()
            await self._end_workers(tending, reloading)

    async def _leave(self, reloading: asyncio.Task[None]) -> None:
        """Serve on for a while, so that balancers see that nobody is ready and go elsewhere."""
        if self._settings.drain_delay:
            reloading.cancel()
            await asyncio.wait((reloading,))
            for worker in self._workers.all():
                worker.tell(LEAVE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurrying.wait(), self._settings.drain_delay)

    async def _tend(self, number: int, listeners: Listeners) -> None:
        """Keep one worker alive; ends when the supervisor stops."""
        failures = 0
        while not self._stopping.is_set():
            worker = await self._start(number, listeners)
            if self._stopping.is_set():
                worker.stop()
            is_ready = await worker.ready()
            if is_ready:
                if self._stopping.is_set():
                    worker.tell(LEAVE)
                self._mark_ready(number, listeners)
            worker = await self._workers.ended(number)
            if not self._stopping.is_set():
                failures = 0 if is_ready else failures + 1
                self._check_worth_repeating(worker, failures)
                pause = self._pause(worker, failures)
                self._report(number, worker, pause)
                await self._sleep(pause)

    async def _start(self, number: int, listeners: Listeners) -> WorkerProcess:
        """Put a worker into a place; one that a reload overtook while it was started, never."""
        while True:
            generation = self._reloader.generation
            worker = await start_worker(generation, listeners)
            if generation is self._reloader.generation:
                self._workers.put(number, worker)
                return worker
            worker.kill()
            await worker.wait()

    def _mark_ready(self, number: int, listeners: Listeners) -> None:
        is_first_time = bool(self._not_ready)
        self._not_ready.discard(number)
        if is_first_time and not self._not_ready and not self._stopping.is_set():
            self._on_ready(listeners.addresses(self._settings))

    def _pause(self, worker: WorkerProcess, failures: int) -> float:
        """Return how long to wait before a worker is replaced; `failures` to start, in a row."""
        if failures:
            return float(min(SHORTEST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS))
        age = asyncio.get_running_loop().time() - worker.started
        return SHORTEST_PAUSE_SECONDS if age < YOUNG_SECONDS else 0.0

    def _check_worth_repeating(self, worker: WorkerProcess, failures: int) -> None:
        """Raise `OperatorError` if another worker would do no better than those before."""
        failure = worker.failure
        if failure and failure.is_final:
            raise operator_error(failure)
        if failure is None and failures >= MOST_FAILURES and self._not_ready:
            raise OperatorError(
                f"Workers end with {_exit_words(worker.exit_code)} before they are ready; what "
                "they printed says why."
            )

    def _report(self, number: int, worker: WorkerProcess, pause: float) -> None:
        failure = worker.failure
        if failure:
            what = f"could not start: {failure.code}: {failure.detail}"
        else:
            what = f"ended with {_exit_words(worker.exit_code)}"
        again = f"starting another in {pause:.1f} s" if pause else "starting another"
        self._on_event(f"worker {number + 1} (pid {worker.pid}) {what}; {again}")

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not past the moment the supervisor is told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _end_workers(
        self, tending: list[asyncio.Task[None]], reloading: asyncio.Task[None]
    ) -> None:
        """Drain every worker, hurry them when told to, and kill what has not ended in time."""
        for worker in self._workers.all():
            worker.stop()
        hurry = asyncio.create_task(_passes(self._hurrying))
        all_ended = asyncio.create_task(_end([*tending, reloading, *self._workers.retiring]))
        patience = self._settings.drain_seconds + CLOSING_SECONDS
        await asyncio.wait((all_ended, hurry), timeout=patience, return_when="FIRST_COMPLETED")
        if not all_ended.done():
            for worker in self._workers.all():
                worker.hurry()
            await asyncio.wait((all_ended,), timeout=CLOSING_SECONDS)
        if not all_ended.done():
            self._on_event("workers did not end in time and were killed")
            for worker in self._workers.all():
                worker.kill()
        hurry.cancel()
        await all_ended


async def run_until_signalled(supervisor: Supervisor) -> None:
    """Run a supervisor by signals.

    SIGTERM and SIGINT stop it, the second one hurries it; SIGHUP reloads; SIGUSR1 reopens logs.
    """
    loop = asyncio.get_running_loop()
    actions = {
        signal.SIGTERM: supervisor.stop,
        signal.SIGINT: supervisor.stop,
        signal.SIGHUP: supervisor.reload,
        signal.SIGUSR1: supervisor.reopen_logs,
    }
    for number, action in actions.items():
        loop.add_signal_handler(number, action)
    try:
        await supervisor.run()
    finally:
        for number in actions:
            loop.remove_signal_handler(number)


async def _passes(event: asyncio.Event) -> None:
    await event.wait()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for all tasks to end, well or not."""
    await asyncio.gather(*tasks, return_exceptions=True)


def _check_shareable(settings: Settings) -> None:
    if settings.workers > 1 and not Stores(settings, SystemClock()).shareable:
        raise ConfigurationError(
            f"This store is for one process, and workers is {settings.workers}: set workers to 1, "
            "or choose another store."
        )


def _exit_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
