"""Costs that wait for a lease, and who is told what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from dream_gateway.counter import Counter
    from dream_gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Denial:
    """A counter's refusal; `retry_after` is in seconds, `None` if the period has to end first."""

    counter: Counter
    retry_after: float | None


class Waiter(Protocol):
    """Who waits for a charge. Told once, on the event loop, maybe before the asking call returns.

    Others wait for the same leases: it never blocks, and raises nothing.
    """

    def charged(self) -> None:
        """Take note that the cost was charged to all of its counters."""
        ...

    def denied(self, denial: Denial) -> None:
        """Take note that nothing was charged, because a counter has not enough."""
        ...

    def failed(self, error: GatewayError) -> None:
        """Take note that nothing was charged: the ledger is needed and away."""
        ...


class Pending:
    """A cost that waits, and whom to tell."""

    __slots__ = ("_over", "_waiter", "cost", "counters")

    def __init__(self, counters: Sequence[Counter], cost: int, waiter: Waiter) -> None:
        self.counters = counters
        self.cost = cost
        self._over = False
        self._waiter = waiter

    def is_over(self) -> bool:
        """Tell whether it is decided, or nobody waits for it any more."""
        return self._over

    def charge(self) -> None:
        """Tell that it was charged."""
        self._over = True
        self._waiter.charged()

    def deny(self, denial: Denial) -> None:
        """Tell who denies it."""
        self._over = True
        self._waiter.denied(denial)

    def fail(self, error: GatewayError) -> None:
        """Tell that it could not be decided."""
        self._over = True
        self._waiter.failed(error)

    def cancel(self) -> None:
        """Have nobody wait for it, if it is not decided yet."""
        self._over = True


class Awaited(Pending):
    """A cost that a coroutine waits for: `future` has the denial, or `None`."""

    __slots__ = ("future",)

    def __init__(
        self, counters: Sequence[Counter], cost: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(counters, cost, self)
        self.future: asyncio.Future[Denial | None] = loop.create_future()

    def is_over(self) -> bool:
        """Tell whether it is decided, or the coroutine is cancelled."""
        return self.future.done()

    def charged(self) -> None:
        """Let it go on."""
        self.future.set_result(None)

    def denied(self, denial: Denial) -> None:
        """Hand the denial over."""
        self.future.set_result(denial)

    def failed(self, error: GatewayError) -> None:
        """Raise there, for each an error of its own."""
        self.future.set_exception(type(error)(error.detail, retry_after=error.retry_after))

    def is_charged(self) -> bool:
        """Tell whether the charge was made, though nobody may have heard of it."""
        future = self.future
        return (
            future.done()
            and not future.cancelled()
            and future.exception() is None
            and future.result() is None
        )
