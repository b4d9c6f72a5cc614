"""The change feed: a stream that every follower reads for itself, on a connection of its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Subject
from dream_gateway_valkey import faults
from dream_gateway_valkey.driver import BrokenError, RefusedError
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway_valkey.address import Address
    from dream_gateway_valkey.driver import Wire
    from dream_gateway_valkey.router import Router

BLOCK_MS = 300
"""How long a read waits for a change: less than the half second in which a sign of life is due."""

KEPT = 10_000
BATCH = 1_000
EVERYTHING = Change(Subject.ALL, "")


class ValkeyFeed:
    """Changes in the stream `PREFIX:changes`, the last ten thousand or somewhat more."""

    def __init__(self, router: Router, address: Address) -> None:
        self._router = router
        self._stream = f"{address.prefix}:changes"
        self._slot = slot_of(self._stream.encode())
        self._seconds = address.timeout / 2
        self._closed = False

    async def publish(self, changes: Sequence[Change]) -> None:
        """Append the changes; one entry holds all of them, so that they arrive together."""
        if changes:
            text = json.dumps([[change.subject.value, change.ref] for change in changes])
            await self._router.one(
                self._slot, "XADD", self._stream, "MAXLEN", "~", KEPT, "*", "changes", text
            )

    def close(self) -> None:
        """End every `follow` with `StoreUnavailableError`, within a moment."""
        self._closed = True

    async def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Yield changes made after the first step; an empty batch when there are none."""
        tail = Tail(await self._connect(), self._stream, self._seconds)
        try:
            await self._ask(tail.open())
            changes: Sequence[Change] = ()
            while not self._closed:
                yield changes
                changes = await self._ask(tail.read())
            raise StoreUnavailableError("The store is closed.")
        finally:
            await tail.wire.close()

    async def _connect(self) -> Wire:
        await self._router.one(self._slot, "EXISTS", self._stream)  # finds who serves it
        node = self._router.owner(self._slot)
        if node is None or self._closed:
            raise StoreUnavailableError("The store is closed.")
        wire = self._router.wire(node)
        try:
            async with asyncio.timeout(self._seconds):
                await wire.connect()
        except (BrokenError, RefusedError, TimeoutError) as error:
            await wire.close()
            raise faults.unavailable(error) from error
        return wire

    async def _ask(self, answer: Any) -> Any:
        try:
            return await answer
        except (BrokenError, RefusedError, TimeoutError) as error:
            raise faults.unavailable(error) from error


class Tail:
    """One follower's position in the stream: an entry that was there."""

    def __init__(self, wire: Wire, stream: str, seconds: float) -> None:
        self.wire = wire
        self._stream = stream
        self._seconds = seconds
        self._position = b"0-0"

    async def open(self) -> None:
        """Stand on a mark made for the purpose: as long as it is in the stream, nothing was missed."""
        self._position = await self._call("XADD", self._stream, "*", "changes", "[]")

    async def read(self) -> list[Change]:
        """Return the changes since the last call, or none after a while without any."""
        stood = self._position
        reply = await self._call(
            "XREAD", "COUNT", BATCH, "BLOCK", BLOCK_MS, "STREAMS", self._stream, stood
        )
        # Looked at afterwards: what is there now was there when the changes were read.
        first, last = await self._ends()
        if not _order(first) <= _order(stood) <= _order(last):
            # Another stream, or changes were trimmed that were never read here.
            self._position = last
            return [EVERYTHING]
        changes: list[Change] = []
        for id_, fields in reply[0][1] if reply else ():
            self._position = id_
            changes.extend(_changes(fields))
        return changes

    async def _ends(self) -> tuple[bytes, bytes]:
        """Return the ids of the oldest entry that is kept and of the newest; zeros if none."""
        try:
            reply = await self._call("XINFO", "STREAM", self._stream)
        except RefusedError as error:
            if "no such key" not in error.text:
                raise
            return b"0-0", b"0-0"
        pairs = iter(reply)
        found = dict(zip(pairs, pairs, strict=True))
        return found[b"recorded-first-entry-id"], found[b"last-generated-id"]

    async def _call(self, *command: str | bytes | int) -> Any:
        async with asyncio.timeout(self._seconds + BLOCK_MS / 1000):
            await self.wire.send(self.wire.pack([command]))
            reply = await self.wire.read()
        if isinstance(reply, RefusedError):
            raise reply
        return reply


def _order(id_: bytes) -> tuple[int, int]:
    milliseconds, _, number = id_.partition(b"-")
    return int(milliseconds), int(number)


def _changes(fields: Sequence[bytes]) -> list[Change]:
    try:
        return [Change(Subject(subject), ref) for subject, ref in json.loads(fields[1])]
    except (ValueError, TypeError, IndexError):
        return [EVERYTHING]  # what a newer version wrote may mean anything
