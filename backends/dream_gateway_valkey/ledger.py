"""The ledger's verbs on Valkey: each element of a batch is one function call on one slot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import InvalidRequestError, StoreUnavailableError
from dream_gateway.storage import SHARDS, Event, Tally, shard_of
from dream_gateway_valkey import calls, founding
from dream_gateway_valkey.calls import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dream_gateway.storage import Claim, Grant, Recorded, Refund, Return, Void
    from dream_gateway_valkey.address import Node
    from dream_gateway_valkey.calls import Keys
    from dream_gateway_valkey.library import Library
    from dream_gateway_valkey.router import Call, Router

SHARDS_AT_ONCE = 64


class ValkeyLedger:
    """Usage counters, leases and idempotent events on one server or a cluster.

    `now_us` returns the time as functions take it; `check` raises if the servers may forget counters.
    """

    def __init__(
        self,
        router: Router,
        library: Library,
        keys: Keys,
        now_us: Callable[[], str],
        check: Callable[[], None],
    ) -> None:
        self._router = router
        self._library = library
        self._keys = keys
        self._now_us = now_us
        self._check = check
        self._name: str | None = None
        self._founding = asyncio.Lock()

    async def identity(self) -> str:
        """Return the name made when the ledger was; raises if another is in its place since."""
        known = self._name
        name = await self._found()
        if known is not None and name != known:
            raise StoreUnavailableError(
                "Another ledger is in the place of this one: restart the gateway."
            )
        return name

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        if not all(1 <= claim.at_least <= claim.wanted for claim in claims):
            raise InvalidRequestError("A claim needs 1 <= at_least <= wanted.")
        made = await self._run(lambda caller: [caller.take(claim) for claim in claims])
        return [calls.grant(claim, call.reply) for claim, call in zip(claims, made, strict=True)]

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        if any(item.spent is not None and item.spent < 0 for item in returns):
            raise InvalidRequestError("A lease cannot be spent by less than nothing.")
        await self._run(lambda caller: [caller.give_back(item) for item in returns])

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        if any(item.units < 0 for item in refunds):
            raise InvalidRequestError("A refund cannot be of less than nothing.")
        await self._run(lambda caller: [caller.refund(item) for item in refunds])

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        amounts = [event.cost if isinstance(event, Event) else event.amount for event in events]
        if any(amount is not None and amount < 0 for amount in amounts):
            raise InvalidRequestError("The cost of an event cannot be negative.")
        made = await self._run(lambda caller: [caller.record(event) for event in events])
        return [
            calls.recorded(event, call.reply, repeated=call.repeated)
            for event, call in zip(events, made, strict=True)
        ]

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally. Of none: raises unless some server is well."""
        if not counters:
            await self._one_is_well()
            return []
        try:
            by_shard: dict[int, list[str]] = {}
            for counter in dict.fromkeys(counters):
                by_shard.setdefault(shard_of(counter), []).append(counter)
        except UnicodeError as error:
            raise InvalidRequestError("A text in it cannot be stored.") from error
        made = await self._run(
            lambda caller: [caller.usage(shard, names) for shard, names in by_shard.items()]
        )
        found: dict[str, Tally] = {}
        for names, call in zip(by_shard.values(), made, strict=True):
            found.update(zip(names, calls.tallies(call.reply), strict=True))
        return [found[counter] for counter in counters]

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        gone, field = 0, repr(float(before))
        for first in range(0, SHARDS, SHARDS_AT_ONCE):
            shards = range(first, min(first + SHARDS_AT_ONCE, SHARDS))
            for shard in await self._with_history(shards, field):
                if gone < limit:
                    gone += await self._prune(shard, field, limit - gone)
        return gone

    def part(self, shard: int) -> Node | None:
        """Return the server that has a shard, as far as is known."""
        return self._router.owner(self._keys.slot(shard))

    async def _with_history(self, shards: Sequence[int], before: str) -> list[int]:
        """Return the shards that may have rows to prune, and settle their old leases."""
        made = await self._run(
            lambda caller: [caller.on(shard, "survey", (before,)) for shard in shards]
        )
        return [shard for shard, call in zip(shards, made, strict=True) if call.reply]

    async def _prune(self, shard: int, before: str, limit: int) -> int:
        (call,) = await self._run(lambda caller: [caller.on(shard, "prune", (before, limit))])
        return int(call.reply)

    async def _run(self, make: Callable[[Caller], list[Call]]) -> list[Call]:
        name = self._name or await self._found()
        try:
            made = make(Caller(self._keys, self._library, name, self._now_us()))
        except UnicodeError as error:
            raise InvalidRequestError("A text in it cannot be stored.") from error
        if made:
            await self._router.run(made)
        return made

    async def _found(self) -> str:
        """Name the ledger if it is new; remember its name at the first time."""
        self._check()
        async with self._founding:
            name = await self._look_up(starting=self._name is None)
            self._name = self._name or name
            return name

    async def _look_up(self, *, starting: bool) -> str:
        try:
            return await founding.found(self._router, self._keys, starting=starting)
        except StoreUnavailableError:
            # Shards that can be reached are served, wherever the ledger's own key is.
            elsewhere = await founding.name_in_a_shard(self._router, self._keys)
            if elsewhere is None:
                raise
            return elsewhere

    async def _one_is_well(self) -> None:
        """Look at all servers until one answers: what it has can be served without the others."""
        await self._router.nodes()
        shards = {self._router.owner(self._keys.slot(shard)): shard for shard in range(SHARDS)}
        looks = [asyncio.create_task(self._look(shard)) for shard in shards.values()]
        failure: StoreUnavailableError | None = None
        try:
            for answer in asyncio.as_completed(looks):
                try:
                    await answer
                except StoreUnavailableError as error:
                    failure = error
                else:
                    return
        finally:
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
        if failure is not None:
            raise failure

    async def _look(self, shard: int) -> None:
        await self._run(lambda caller: [caller.usage(shard, ())])
