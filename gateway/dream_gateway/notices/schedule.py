"""When a message is tried again, and when an endpoint is given up. Pure; durations are seconds."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0

DELAYS = (
    5.0,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""How long to wait after each attempt that failed; after the last there is none (Standard Webhooks)."""

ATTEMPTS = len(DELAYS) + 1
JITTER = 0.1
"""By which share of itself a delay may be longer, so that what failed together comes apart."""

DISABLE_AFTER = 3 * DAY
"""For how long an endpoint may fail every time before it is disabled."""

LONGEST_PAUSE = 5 * MINUTE
MOST_DOUBLINGS = 16


def next_attempt(
    attempts: int, now: float, random: float, retry_after: float | None = None
) -> float | None:
    """Return when a message is due that failed `attempts` times, `None` if that was the last.

    `random` is from 0 to 1. The receiver may ask for a longer wait, up to the longest of our own.
    """
    if attempts >= ATTEMPTS:
        return None
    delay = DELAYS[attempts - 1] * (1 + JITTER * random)
    return now + max(delay, min(retry_after or 0.0, DELAYS[-1]))


def pause(failures: int, now: float) -> float:
    """Return until when an endpoint gets nothing at all that failed so many times in a row.

    What else is due to it then would most likely fail as well, and keep others waiting.
    """
    return now + min(LONGEST_PAUSE, 2.0 ** min(failures - 1, MOST_DOUBLINGS))


def is_given_up(failing_since: float | None, now: float) -> bool:
    """Tell whether an endpoint has failed for too long."""
    return failing_since is not None and now - failing_since >= DISABLE_AFTER
