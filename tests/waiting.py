"""Waiting for what another process, worker or task does: asks again and again, and gives up late."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any, TypeVar, overload

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

PATIENCE_SECONDS = 60.0
"""Far more than a slow machine with much else to do needs: a bound is for what never comes."""

LONGEST_PAUSE_SECONDS = 0.1

Answer = TypeVar("Answer")


def until(
    ask: Callable[[], Answer], what: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> Answer:
    """Ask until the answer is true, and return it. Raises `AssertionError`: "never {what}"."""
    answer = None
    for pause in _pauses(patience_seconds):
        if answer := ask():
            return answer
        time.sleep(pause)
    raise _never(what, answer)


@overload
async def eventually(
    ask: Callable[[], Awaitable[Answer]],
    what: str,
    *,
    holds: Callable[[Answer], object] = ...,
    patience_seconds: float = ...,
) -> Answer: ...


@overload
async def eventually(
    ask: Callable[[], Answer],
    what: str,
    *,
    holds: Callable[[Answer], object] = ...,
    patience_seconds: float = ...,
) -> Answer: ...


async def eventually(
    ask: Callable[[], Any],
    what: str,
    *,
    holds: Callable[[Any], object] = bool,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Any:
    """Do so while the event loop goes on: until the answer, which may be awaited, `holds`."""
    answer = None
    for pause in _pauses(patience_seconds):
        given = ask()
        answer = await given if inspect.isawaitable(given) else given
        if holds(answer):
            return answer
        await asyncio.sleep(pause)
    raise _never(what, answer)


async def becomes(ask: Callable[[], Any], wanted: object) -> None:
    """Ask, and await the answer if it is to be, until it is what is wanted."""
    await eventually(ask, repr(wanted), holds=lambda answer: answer == wanted)


def status_of(url: str) -> int | None:
    """Return the status that a URL is answered with, `None` while nobody does."""
    try:
        return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False).status_code
    except httpx.TransportError:
        return None


def _pauses(patience_seconds: float) -> Iterator[float]:
    """Yield the seconds to wait between two looks, which grow, until the patience is over."""
    give_up, pause = time.monotonic() + patience_seconds, 0.001
    while time.monotonic() < give_up:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _never(what: str, answer: object) -> AssertionError:
    return AssertionError(f"never {what}; the last answer: {answer!r}")
