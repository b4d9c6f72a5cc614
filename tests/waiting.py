"""Waiting for what another process, worker or task does: asks again and again, and gives up late."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any, TypeVar, overload

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60.0
"""Far more than a slow machine with much else to do needs: a bound is for what never comes."""

PAUSE_SECONDS = 0.01

Answer = TypeVar("Answer")


def until(
    ask: Callable[[], Answer], what: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> Answer:
    """Ask until the answer is true, and return it. Raises `AssertionError`: "never {what}"."""
    give_up = time.monotonic() + patience_seconds
    while not (answer := ask()):
        if time.monotonic() > give_up:
            raise _never(what, answer)
        time.sleep(PAUSE_SECONDS)
    return answer


@overload
async def eventually(
    ask: Callable[[], Awaitable[Answer]], what: str, *, patience_seconds: float = ...
) -> Answer: ...


@overload
async def eventually(
    ask: Callable[[], Answer], what: str, *, patience_seconds: float = ...
) -> Answer: ...


async def eventually(
    ask: Callable[[], Any], what: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> Any:
    """Do the same while the event loop goes on; what is asked may be a coroutine function."""
    give_up = time.monotonic() + patience_seconds
    while not (answer := await _answer(ask)):
        if time.monotonic() > give_up:
            raise _never(what, answer)
        await asyncio.sleep(PAUSE_SECONDS)
    return answer


async def _answer(ask: Callable[[], Any]) -> Any:
    given = ask()
    return await given if inspect.isawaitable(given) else given


def _never(what: str, answer: object) -> AssertionError:
    return AssertionError(f"never {what}; the last answer: {answer!r}")


def status_of(url: str) -> int | None:
    """Return the status that a URL is answered with, `None` while nobody does."""
    try:
        return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False).status_code
    except httpx.TransportError:
        return None
