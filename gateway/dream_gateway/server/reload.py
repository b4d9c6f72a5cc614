"""The next generation of workers in the place of the last one, and which settings it may have.

Those that new workers cannot have beside old ones need the gateway started again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.errors import GatewayError, NotReloadableError
from dream_gateway.server.generation import Generation, read_generation, warnings
from dream_gateway.settings import STORES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dream_gateway.server.listeners import Listeners
    from dream_gateway.server.worker_process import WorkerProcess
    from dream_gateway.server.workers import Workers
    from dream_gateway.settings import Settings

FIXED = (*STORES, "journal_dir", "host", "port", "service_host", "service_port", "workers")
"""The listeners are open, and two ledgers at a time would each admit the whole of a limit."""

SWITCHES = ("tls_certificate", "service_tls_certificate")
"""May change, but not be set or emptied: old and new workers accept from one listener for a while."""


def check_reloadable(old: Settings, new: Settings) -> None:
    """Raise `NotReloadableError`, which names what changed of that which may not."""
    changed = [name for name in FIXED if getattr(old, name) != getattr(new, name)]
    changed += [name for name in SWITCHES if bool(getattr(old, name)) != bool(getattr(new, name))]
    if changed:
        raise NotReloadableError(
            f"{', '.join(changed)} changed; restart the gateway for that, or put it back."
        )


class Reloader:
    """Knows the generation that workers are started with, and puts another in its place.

    Used from one event loop. `reread` returns the settings as they are now; `on_event` gets a line
    for people about each reload, and about what should be set right.
    """

    def __init__(
        self,
        settings: Settings,
        workers: Workers,
        reread: Callable[[], Settings],
        on_event: Callable[[str], None],
    ) -> None:
        self.generation = Generation(settings)
        self._workers = workers
        self._reread = reread
        self._on_event = on_event
        self._asked = asyncio.Event()

    def begin(self) -> None:
        """Read the first generation. Raises `ConfigurationError` if it is of no use."""
        self.generation = read_generation(self.generation.settings)
        self._tell(warnings(self.generation, SystemClock().now()))

    def ask(self) -> None:
        """Have a reload done, or one more after that which is under way. Never blocks."""
        self._asked.set()

    async def run(self, listeners: Listeners) -> None:
        """Reload whenever that is asked for, until cancelled; one that fails is told, and no more."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._reload(listeners)
            except Exception as error:  # noqa: BLE001 # the next reload must find somebody to do it
                self._on_event(f"not reloaded: {_why(error)}; all goes on as it was")
            else:
                self._on_event(f"reloaded: {self.generation.settings.workers} workers replaced")

    async def _reload(self, listeners: Listeners) -> None:
        settings = self._reread()
        check_reloadable(self.generation.settings, settings)
        generation = read_generation(settings)
        worries = list(warnings(generation, SystemClock().now()))
        await self._replace_all(generation, listeners)
        self._tell(worries)

    def _tell(self, worries: Iterable[str]) -> None:
        for worry in worries:
            self._on_event(f"warning: {worry}")

    async def _replace_all(self, generation: Generation, listeners: Listeners) -> None:
        """Replace the workers one by one; all of them, or else none in the end."""
        first = await self._workers.prepare(generation, listeners)
        # It starts, so whoever is started from now on has it; the supervisor sees to those on their way.
        before, self.generation = self.generation, generation
        spare: WorkerProcess | None = first
        try:
            for number in self._workers.outdated(generation):
                new = spare or await self._workers.prepare(generation, listeners)
                spare = None
                self._workers.replace(number, new)
        except Exception:
            self.generation = before
            for number in self._workers.outdated(before):
                with contextlib.suppress(GatewayError, OSError):
                    new = await self._workers.prepare(before, listeners)
                    self._workers.replace(number, new)
            raise
        if spare is not None:
            self._workers.retire(spare)


def _why(error: Exception) -> str:
    if isinstance(error, GatewayError):
        return f"{error.code}: {error.detail}"
    return str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
