"""When a call is made again: the rules of both clients, without I/O.

`attempts` is a generator that yields what to do next and is sent what came of it, so that one
definition serves whoever blocks and whoever awaits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from dream_gateway.client.answers import failure, read
from dream_gateway.client.errors import ConnectionFailedError, DreamError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from dream_gateway.client.answers import Answer
    from dream_gateway.client.call import Call

_UNHEARD = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What happens before a request is sent."""

_DECLINED = frozenset({"rate_limited", "overloaded", "shutting_down", "store_unavailable"})
"""Codes of refusals that did nothing, and may be other in a moment."""

_TRANSIENT = frozenset({408, 500, 502, 503, 504})
"""Statuses that may be other in a moment, and do not say that nothing was done."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is made again, and when: exponentially later, anywhere in that span.

    `first` and `longest` are seconds. What the gateway asks to wait is waited for, unless it is more
    than `longest`: then the error is for the caller, who may have better to do.
    """

    count: int = 3
    first: float = 0.25
    longest: float = 10.0

    def wait(self, made: int, asked: float | None, chance: float) -> float | None:
        """Return seconds until the attempt after `made` others; `None` if there is to be none."""
        if made > self.count or (asked is not None and asked > self.longest):
            return None
        span = min(self.longest, self.first * 2.0 ** (made - 1))
        return float((asked or 0.0) + span * chance)


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send the call."""

    call: Call


Outcome = httpx.Response | httpx.TransportError | None


def attempts(
    call: Call, retries: Retries, now: Callable[[], float], chance: Callable[[], float]
) -> Generator[Send | Wait, Outcome, Answer | None]:
    """Yield what to do, be sent a response or what failed, and return what the call answers.

    Raises `DreamError`: that of the last attempt.
    """
    made, unsure = 0, False
    while True:
        outcome = yield Send(call)
        made += 1
        if isinstance(outcome, httpx.Response) and outcome.is_success:
            return read(outcome)
        error = _error(outcome, now())
        if unsure and call.method == "DELETE" and error.status == 404:
            return None  # an attempt that went unanswered has deleted it
        unsure = unsure or not _undone(outcome, error)
        wait = retries.wait(made, error.retry_after, chance())
        if wait is None or not _worth(call, outcome, error):
            raise error
        yield Wait(wait)


def _error(outcome: Outcome, now: float) -> DreamError:
    if isinstance(outcome, httpx.Response):
        return failure(outcome, now)
    if isinstance(outcome, httpx.TimeoutException):
        error: DreamError = TimedOutError("No answer in time.", code="timeout")
    else:
        error = ConnectionFailedError(f"No answer: {outcome}", code="connection_failed")
    error.__cause__ = outcome
    return error


def _undone(outcome: Outcome, error: DreamError) -> bool:
    """Return whether the attempt surely did nothing."""
    if isinstance(outcome, httpx.Response):
        return error.code in _DECLINED or error.status < 500
    return isinstance(outcome, _UNHEARD)


def _worth(call: Call, outcome: Outcome, error: DreamError) -> bool:
    """Return whether another attempt may do better, and does no harm."""
    if error.code in _DECLINED or isinstance(outcome, _UNHEARD):
        return True
    if isinstance(outcome, httpx.Response):
        # A conflict that passes: the same idempotency key is under way.
        passing = error.status == 409 and error.retry_after is not None
        return passing or (error.status in _TRANSIENT and call.may_repeat)
    return call.may_repeat
