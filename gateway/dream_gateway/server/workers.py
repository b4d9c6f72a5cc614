"""The workers of a supervisor: one in each place, and those that another has taken the place of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import OperatorError
from dream_gateway.server.status import RETIRE, operator_error
from dream_gateway.server.worker_process import start_worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.server.generation import Generation
    from dream_gateway.server.listeners import Listeners
    from dream_gateway.server.worker_process import WorkerProcess

HANDOVER_SECONDS = 2.0
"""How long a replaced worker serves beside the new one, so that its clients hear from it to go."""


class Workers:
    """Used from one event loop."""

    def __init__(self, places: int) -> None:
        self._present: dict[int, WorkerProcess] = {}
        self._replaced: set[WorkerProcess] = set()
        self._taken = [asyncio.Event() for _ in range(places)]
        self.retiring: set[asyncio.Task[None]] = set()
        """One for each replaced worker; ends with it."""

    def present(self) -> Iterator[WorkerProcess]:
        """Yield the worker of each place that has one."""
        yield from list(self._present.values())

    def all(self) -> Iterator[WorkerProcess]:
        """Yield those that were replaced and have not ended, too."""
        yield from [*self._present.values(), *self._replaced]

    def put(self, number: int, worker: WorkerProcess) -> None:
        """Give a place that is empty a worker."""
        self._present[number] = worker

    async def ended(self, number: int) -> WorkerProcess:
        """Wait until whoever has the place has ended; return that worker. The place is empty then."""
        while True:
            worker = self._present[number]
            self._taken[number].clear()
            waits = [asyncio.create_task(worker.wait())]
            waits.append(asyncio.create_task(_passes(self._taken[number])))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._present[number] is worker:
                del self._present[number]
                return worker

    def outdated(self, generation: Generation) -> list[int]:
        """Return the places whose worker is of another generation; not those without a worker."""
        return [n for n, worker in self._present.items() if worker.generation is not generation]

    async def prepare(self, generation: Generation, listeners: Listeners) -> WorkerProcess:
        """Start a worker that has no place yet, and return it once it is ready.

        Raises `OperatorError` if it cannot start.
        """
        new = await start_worker(generation, listeners)
        self._replaced.add(new)
        try:
            await self._ready(new)
        finally:
            self._replaced.discard(new)
        return new

    def replace(self, number: int, new: WorkerProcess) -> None:
        """Put a worker that is ready into a place, and retire the old one.

        If that has died, or is of this generation itself, the new one is not needed, and retires.
        """
        old = self._present.get(number)
        if old is None or old.generation is new.generation:
            self.retire(new)
            return
        self._present[number] = new
        self._taken[number].set()
        self.retire(old)

    async def _ready(self, worker: WorkerProcess) -> None:
        try:
            if await worker.ready():
                return
        except BaseException:
            worker.kill()
            raise
        await worker.wait()
        if worker.failure:
            raise operator_error(worker.failure)
        raise OperatorError(f"A new worker ended with exit code {worker.exit_code}.")

    def retire(self, worker: WorkerProcess) -> None:
        """Have a worker without a place finish what is under way, and end."""
        self._replaced.add(worker)
        task = asyncio.create_task(self._see_off(worker))
        self.retiring.add(task)
        task.add_done_callback(self.retiring.discard)

    async def _see_off(self, worker: WorkerProcess) -> None:
        worker.tell(RETIRE)
        try:
            async with asyncio.timeout(HANDOVER_SECONDS):
                await worker.wait()
        except TimeoutError:
            worker.stop()
            await worker.wait()
        self._replaced.discard(worker)


async def _passes(event: asyncio.Event) -> None:
    await event.wait()
