"""What came of a payment provider, on its way to what it does here.

News are dealt with in two steps. A `Handler` asks the provider how the object is now, with no
transaction open, and returns an `Effect`. That is called in the transaction which marks the events
done, so that it happens once or, if anything fails, not at all, and the news come again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dream_gateway.payments import About, Account, Endpoint
    from dream_gateway.records.database import Writer


@dataclass(frozen=True, slots=True)
class News:
    """Events about one object that are not dealt with: it is asked for once for all of them.

    `at` is when the newest of them happened; `gone` tells that one of them was its account's end.
    """

    endpoint: Endpoint
    account: Account
    about: About
    ref: str
    types: tuple[str, ...]
    at: float
    gone: bool = False


class Owner(NamedTuple):
    """Whose news they turned out to be."""

    platform_id: str
    project_id: str | None = None


class StaleError(Exception):
    """What was asked for is older than what others wrote meanwhile: to be asked for again."""


Effect = Callable[["Writer"], Awaitable[Owner | None]]
"""Does what news lead to; `None` if they are not ours. Raises `StaleError`, changing nothing."""

Handler = Callable[[News], Awaitable[Effect | None]]
"""Asks what has become of an object; `None` if it is none of ours.

Raises what `payments.Billing` does: `BillingUnavailableError` makes it come again later.
"""
