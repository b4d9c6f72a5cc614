"""An event loop beside the tests, for what is served to those that block."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


class Beside:
    """A loop that runs in a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something there, and return what comes of it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    @contextmanager
    def entered(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Enter a context there, and leave it there."""
        value = self.run(_awaited(manager.__aenter__()))
        try:
            yield value
        finally:
            self.run(_awaited(manager.__aexit__(None, None, None)))


async def _awaited(what: Awaitable[T]) -> T:
    return await what


@contextmanager
def loop_beside() -> Iterator[Beside]:
    """Run a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Beside(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
