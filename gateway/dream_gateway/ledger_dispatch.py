"""Sends the ledger what has come together for it: claims, leases given back, and refunds.

One exchange at a time goes to each part of the ledger (`lanes`), so that all that comes meanwhile
shares the next. What it would not take is kept, and sent again; what is lost with the process is in
the journal, refunds apart.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError
from dream_gateway.lanes import Lanes
from dream_gateway.ledger_calls import LedgerCall, LedgerCalls
from dream_gateway.storage import Claim, Refund, Return, shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Counter, Lease
    from dream_gateway.journal import Journal
    from dream_gateway.lanes import Lane
    from dream_gateway.storage import Grant, Ledger

    Claims = list[tuple[Claim, Counter, Lease]]
    """What is claimed, for whom, and the lease that it is to be."""

logger = logging.getLogger(__name__)


class Dispatcher:
    """What one worker says to its ledger. Used from one event loop; only `settle` waits.

    `make` makes the claims of those who asked, as late as can be; `granted` and `failed` are told
    what became of them.
    """

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
        *,
        make: Callable[[Sequence[tuple[Counter, bool]]], Claims],
        granted: Callable[[Claims, Sequence[Grant]], None],
        failed: Callable[[Claims, GatewayError], None],
    ) -> None:
        self._ledger = ledger
        self._journal = journal
        self._monotonic = clock.monotonic
        self._make = make
        self._granted = granted
        self._failed = failed
        self._lanes = Lanes(ledger)
        self._refunded = 0
        self.calls = LedgerCalls()
        """What the calls of the ledger take."""

    def ask(self, counter: Counter, *, ahead: bool) -> None:
        """Have a claim made in the next exchange; `ahead`: for nobody who waits yet."""
        lane = self._lanes.of(shard_of(counter.key))
        lane.asked.append((counter, ahead))
        self._begin(lane)

    def give_back(self, lease: Lease, spent: int) -> None:
        """Close a lease, of which so much was spent; its place in the journal is free then."""
        lane = self._lanes.of(lease.shard)
        lane.returns.append((Return(lease.id, spent, lease.shard), lease.slot))
        self._begin(lane)

    def refund(self, counter: Counter, units: int) -> None:
        """Take units of a quota back that were settled."""
        self._refunded += 1
        name = f"{self._journal.worker}-refund-{self._refunded:x}"
        lane = self._lanes.of(shard_of(counter.key))
        lane.refunds.append(Refund(name, counter.key, units))
        self._begin(lane)

    def flush(self) -> None:
        """Send whatever is left, also what the ledger would not take before."""
        for lane in self._lanes.all():
            self._begin(lane)

    async def settle(self, counters: Sequence[Counter]) -> None:
        """Send what these counters gave back, and wait until it was sent."""
        lanes = {self._lanes.of(shard_of(counter.key)) for counter in counters}
        await self._sent([lane for lane in lanes if lane.returns])

    async def settle_all(self) -> None:
        """Send whatever there is, and wait until it was sent."""
        await self._sent(self._lanes.all())

    def returns(self) -> int:
        """Return how many leases wait to go back."""
        return sum(len(lane.returns) for lane in self._lanes.all())

    def _begin(self, lane: Lane) -> None:
        if lane.flushing is None and not lane.is_empty():
            lane.flushing = asyncio.get_running_loop().create_task(self._flush(lane))

    async def _sent(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            self._begin(lane)
        tasks = [lane.flushing for lane in lanes if lane.flushing is not None]
        if tasks:
            await asyncio.shield(asyncio.gather(*tasks))

    async def _flush(self, lane: Lane) -> None:
        """Send what has come together, again and again until there is nothing; one at a time."""
        try:
            while not lane.is_empty():
                asked, lane.asked = lane.asked, []
                claims = self._make(asked)
                returns, lane.returns = lane.returns, []
                refunds, lane.refunds = lane.refunds, []
                # What is given back goes first: what it frees may be what the claims need.
                back, paid, _ = await asyncio.gather(
                    self._send_returns(lane, returns),
                    self._send_refunds(lane, refunds),
                    self._send_claims(claims),
                )
                if not (back and paid):
                    break  # The sweep tries them again.
        finally:
            lane.flushing = None

    async def _send_returns(self, lane: Lane, returns: list[tuple[Return, int]]) -> bool:
        if not returns:
            return True
        try:
            with self._noted(LedgerCall.GIVE_BACK, len(returns)):
                await self._ledger.give_back([each for each, _ in returns])
        except GatewayError as exc:
            logger.warning("Leases could not be given back yet: %s", exc.code)
            lane.returns.extend(returns)
            return False
        for _, slot in returns:
            self._journal.free(slot)
        return True

    async def _send_refunds(self, lane: Lane, refunds: list[Refund]) -> bool:
        if not refunds:
            return True
        try:
            with self._noted(LedgerCall.REFUND, len(refunds)):
                await self._ledger.refund(refunds)
        except GatewayError as exc:
            logger.warning("Units could not be refunded yet: %s", exc.code)
            lane.refunds.extend(refunds)
            return False
        return True

    async def _send_claims(self, claims: Claims) -> None:
        if not claims:
            return
        try:
            with self._noted(LedgerCall.TAKE, len(claims)):
                grants = await self._ledger.take([claim for claim, _, _ in claims])
        except GatewayError as exc:
            self._failed(claims, exc)
        else:
            self._granted(claims, grants)

    @contextmanager
    def _noted(self, operation: LedgerCall, size: int) -> Iterator[None]:
        """Note what a call of the ledger takes."""
        began = self._monotonic()
        try:
            yield
        except GatewayError:
            self.calls.failed(operation)
            raise
        self.calls.done(operation, size, self._monotonic() - began)
