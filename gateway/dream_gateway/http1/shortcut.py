"""Plain requests without an exchange: who serves them, and how they wait for a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dream_gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.callers import Caller
    from dream_gateway.counter import Counter
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.subjects import Subject
    from dream_gateway.waiting import Denial, Pending, Waiter

    class Charging(Protocol):
        """The part of `dream_gateway.admission.Admission` that a shortcut needs."""

        def now(self) -> float:
            """Return the time it decides by, in seconds since the epoch."""
            ...

        def monotonic(self) -> float:
            """Return the seconds that leases are spent by."""
            ...

        def try_spend(self, counters: Sequence[Counter], cost: int, now: float, /) -> bool:
            """Charge all counters from leases in hand, or none."""
            ...

        def enqueue(self, counters: Sequence[Counter], cost: int, waiter: Waiter, /) -> Pending:
            """Charge all counters once there are leases, and tell the waiter."""
            ...


class Shortcut(Protocol):
    """Serves the plain requests of a connection that have the same line and the same fields.

    Plain is what `plain` reads, and the connection goes on.
    """

    def go(self, body: bytes) -> bytes | None:
        """Return the whole answer to such a request, if it is known without waiting.

        `None` has the request served by an exchange: nothing was done. An empty answer is none yet:
        an errand was sent, and `HttpConnection.delivered` says it, or `withdraw` has it served by an
        exchange after all.
        """
        ...


class Errand(Protocol):
    """A plain request under way that has no exchange."""

    def recalled(self) -> Exchange | None:
        """Return the exchange that carries on, `None` if this will be over soon."""
        ...

    def lost(self) -> None:
        """Give up: the client is gone. Never blocks."""
        ...


class Patient:
    """A shortcut to an answer that may have to wait for a lease; every refusal is an exchange's."""

    __slots__ = (
        "_caller",
        "_client",
        "_clock",
        "_enqueue",
        "_now",
        "_pending",
        "_spend",
        "_subject",
        "_time",
    )

    def __init__(self, client: HttpConnection, admission: Charging, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._time = admission.now
        self._clock = admission.monotonic
        self._spend = admission.try_spend
        self._enqueue = admission.enqueue
        self._pending: Pending | None = None
        self._subject: Subject | None = None
        self._now = 0.0

    def go(self, body: bytes) -> bytes | None:
        """Charge one unit and answer from memory, or once there are leases."""
        del body
        # Called as locals: CPython 3.11 looks a slot up the slow way if it is called at once.
        time, monotonic, spend = self._time, self._clock, self._spend
        now, clock = time(), monotonic()
        subject = self._caller.find(now, clock)
        if subject is None:
            return None
        if spend(subject.counters, 1, clock):
            return self.answer(subject, now)
        return self.wait(subject, now)

    def answer(self, subject: Subject, now: float) -> bytes:
        """Return the answer for whom was charged at that time."""
        raise NotImplementedError

    def wait(self, subject: Subject, now: float) -> bytes:
        """Have one unit charged to the subject as soon as there are leases."""
        self._subject, self._now = subject, now
        self._client.away = self
        try:
            self._pending = self._enqueue(subject.counters, 1, self)
        except GatewayError:
            self._client.withdraw()
        return b""

    # For the meter

    def charged(self) -> None:
        """Answer."""
        if self._subject is not None:
            self._client.delivered(self.answer(self._subject, self._now))

    def denied(self, denial: Denial) -> None:
        """Have an exchange ask again, and say what it is told."""
        del denial
        self._client.withdraw()

    def failed(self, error: GatewayError) -> None:
        """Have an exchange ask again, and say what it is told."""
        del error
        self._client.withdraw()

    # For the client

    def recalled(self) -> Exchange | None:
        """Nobody can carry on, nor has to: it will be over soon."""
        return None

    def lost(self) -> None:
        """Wait no longer."""
        if self._pending is not None:
            self._pending.cancel()
