"""Carries calls to whichever server serves their slot, again and again until a deadline.

Every call may be repeated: the ledger's verbs count once by their ids, and the others only set or
read. So a call whose fate is unknown is simply made again.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from dream_gateway.errors import InvalidRequestError, StoreUnavailableError
from dream_gateway_valkey import faults
from dream_gateway_valkey.driver import BrokenError, RefusedError, Wire
from dream_gateway_valkey.link import Link
from dream_gateway_valkey.slots import SLOTS, layout, redirected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway_valkey.address import Address, Node
    from dream_gateway_valkey.library import Library
    from dream_gateway_valkey.slots import Layout

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.2
MARK_MS = 1000


class Call:
    """One command on one slot. After `Router.run`: its reply, and whether an earlier try may have run.

    `mark` is a key of the same slot, written beside a call that is not done until replicas have it.
    """

    __slots__ = ("asking", "command", "done", "failure", "mark", "repeated", "reply", "slot")

    def __init__(
        self, slot: int, command: Sequence[str | bytes | int], *, mark: str | None = None
    ) -> None:
        self.slot = slot
        self.command = command
        self.mark = mark
        self.reply: Any = None
        self.done = False
        self.repeated = False
        self.asking: Node | None = None
        self.failure: Exception | None = None


class Router:
    """The connections to the servers of one store, and which of them serves which slot."""

    def __init__(self, address: Address, library: Library) -> None:
        self._address = address
        self._library = library
        self._links: dict[Node, Link] = {}
        self._owners: list[Node | None] = [None if address.cluster else address.nodes[0]] * SLOTS
        self._known: tuple[Node, ...] = address.nodes
        self._told: Node | None = None
        self._refreshing = asyncio.Lock()
        self._closed = False

    async def run(self, calls: Sequence[Call]) -> None:
        """Have all calls answered. Raises `StoreUnavailableError` if one is not by the deadline.

        Calls on one server go out in one write, in their order.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._address.timeout
        pause, left = FIRST_PAUSE_SECONDS, list(calls)
        while True:
            await self._try(left, deadline)
            left = [call for call in left if not call.done]
            if not left:
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            hopeless = next((call for call in left if not faults.passes(call.failure)), None)
            if hopeless is not None:
                raise faults.unavailable(hopeless.failure) from hopeless.failure
            # A try that has no time only ends a connection that others share.
            if self._closed or loop.time() + pause + self._address.timeout / 10 >= deadline:
                raise faults.unavailable(left[0].failure) from left[0].failure
            if any(call.asking is None for call in left):
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                await self._refresh(deadline)

    async def one(self, slot: int, *command: str | bytes | int) -> Any:
        """Return the reply to one command."""
        call = Call(slot, command)
        await self.run([call])
        return call.reply

    async def ask(self, node: Node, *command: str | bytes | int) -> Any:
        """Return one server's own reply, at once or not at all.

        Raises `BrokenError`, or the server's error as `RefusedError`.
        """
        (reply,) = await self._link(node).call([command], self._address.timeout / 2)
        if isinstance(reply, RefusedError):
            raise reply
        return reply

    async def nodes(self) -> list[Node]:
        """Return the primaries, each once. Raises `StoreUnavailableError` if none can be asked."""
        await self._look()
        return list(dict.fromkeys(node for node in self._owners if node is not None))

    async def servers(self) -> list[Node]:
        """Return every server, replicas too. Raises `StoreUnavailableError` if none can be asked."""
        await self._look()
        return list(self._known)

    async def _look(self) -> None:
        if self._address.cluster and self._owners[0] is None:
            deadline = asyncio.get_running_loop().time() + self._address.timeout
            failure = await self._refresh(deadline)
            if failure is not None:
                raise faults.unavailable(failure) from failure

    def owner(self, slot: int) -> Node | None:
        """Return who serves a slot, as far as is known."""
        return self._owners[slot]

    def wire(self, node: Node) -> Wire:
        """Return a connection of its own, not connected yet."""
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        return Wire(self._address, node)

    async def close(self) -> None:
        """Let go of every connection; what is under way fails. Safe to call twice."""
        self._closed = True
        links, self._links = self._links, {}
        for link in links.values():
            await link.close()

    def _link(self, node: Node) -> Link:
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = Link(lambda: Wire(self._address, node))
        return link

    async def _try(self, calls: Sequence[Call], deadline: float) -> None:
        """Make each call once, those on one server together, the servers side by side."""
        if self._address.cluster and any(self._owners[call.slot] is None for call in calls):
            failure = await self._refresh(deadline)
            for call in calls:
                call.failure = failure or RefusedError("CLUSTERDOWN", "")
        groups: dict[Node, list[Call]] = {}
        for call in calls:
            node = call.asking or self._owners[call.slot]
            if node is not None:
                groups.setdefault(node, []).append(call)
        if len(groups) == 1:
            await self._send(*groups.popitem(), deadline)
        else:
            await asyncio.gather(*(self._send(*each, deadline) for each in groups.items()))

    async def _send(self, node: Node, calls: Sequence[Call], deadline: float) -> None:
        left = deadline - asyncio.get_running_loop().time()
        seconds = min(max(left, 0.001), self._address.timeout / 2)
        try:
            replies = await self._link(node).call(self._frames(calls, seconds), seconds)
        except UnicodeError as error:
            raise InvalidRequestError("A text in it cannot be stored.") from error
        except (BrokenError, RefusedError) as error:
            for call in calls:
                call.failure, call.asking = error, None
                call.repeated |= isinstance(error, BrokenError) and error.sent
            return
        replicated = self._replicated(calls, replies)
        lacking = False
        for call, reply in zip(calls, _answers(calls, replies), strict=True):
            self._settle(node, call, reply, replicated=replicated)
            lacking |= faults.lacks_function(reply)
        if lacking:
            await self._load(node, seconds)

    def _frames(self, calls: Sequence[Call], seconds: float) -> list[Sequence[str | bytes | int]]:
        frames: list[Sequence[str | bytes | int]] = []
        for call in calls:
            if call.asking is not None:
                frames.append(("ASKING",))
            frames.append(call.command)
        mark = self._mark(calls)
        if mark is not None:
            # A repeat may write nothing, and WAIT waits for this connection's own writes.
            frames.append(("SET", mark, "", "PX", MARK_MS))
            frames.append(("WAIT", self._address.wait, max(1, int(seconds * 500))))
        return frames

    def _mark(self, calls: Sequence[Call]) -> str | None:
        """Return the key to write before waiting for replicas; `None`: there is nothing to wait for."""
        if not self._address.wait:
            return None
        return next((call.mark for call in calls if call.mark is not None), None)

    def _replicated(self, calls: Sequence[Call], replies: list[Any]) -> bool:
        """Take the reply to `WAIT` away, if one was asked, and tell whether enough replicas have it."""
        if self._mark(calls) is None:
            return True
        reached, marked = replies.pop(), replies.pop()
        failed = isinstance(reached, RefusedError) or isinstance(marked, RefusedError)
        return not failed and int(reached) >= self._address.wait

    def _settle(self, node: Node, call: Call, reply: Any, *, replicated: bool) -> None:
        """Take a call's reply, or note why and where it is to be made again."""
        call.asking = None
        if not isinstance(reply, RefusedError):
            call.reply, call.done = reply, replicated or call.mark is None
            if not call.done:
                call.repeated, call.failure = True, faults.NotReplicatedError()
            return
        call.failure = reply
        if reply.code in {"MOVED", "ASK"}:
            slot, other = redirected(reply.text, node)
            if reply.code == "ASK":
                call.asking = other
            else:
                self._owners[slot] = self._told = other

    async def _load(self, node: Node, seconds: float) -> None:
        """Give a server the ledger's functions."""
        command = ("FUNCTION", "LOAD", self._library.source)
        try:
            (reply,) = await self._link(node).call([command], seconds)
        except (BrokenError, RefusedError):
            return  # the call that lacked them meets the same, and tells
        if isinstance(reply, RefusedError) and not faults.loaded_meanwhile(reply):
            raise faults.unavailable(reply) from reply

    async def _refresh(self, deadline: float) -> Exception | None:
        """Ask any server who serves what; return what went wrong if none answers."""
        if not self._address.cluster:
            return None
        before = self._owners
        async with self._refreshing:
            if self._owners is not before:
                return None  # somebody else did while we waited
            return await self._ask_around(deadline)

    async def _ask_around(self, deadline: float) -> Exception | None:
        """Ask server after server until one knows who serves every slot; else take the best answer.

        First the one that a redirection named, for it knows what others have yet to hear. A server
        that was taken out of the cluster knows of nothing.
        """
        failure: Exception | None = None
        best: Layout | None = None
        first, self._told = self._told, None
        known = [first, *self._owners, *self._known, *self._address.nodes]
        for node in dict.fromkeys(each for each in known if each is not None):
            left = deadline - asyncio.get_running_loop().time()
            seconds = min(max(left, 0.001), self._address.timeout / 4)
            try:
                (reply,) = await self._link(node).call([("CLUSTER", "SLOTS")], seconds)
            except (BrokenError, RefusedError) as error:
                failure = error
                continue
            if isinstance(reply, RefusedError):
                failure = reply
                continue
            found = layout(reply, node)
            if best is None or found.holes < best.holes:
                best = found
            if not found.holes:
                break
        if best is None:
            return failure
        self._owners, self._known = best.owners, best.servers
        return None


def _answers(calls: Sequence[Call], replies: list[Any]) -> list[Any]:
    """Return the calls' own replies, without those to `ASKING`."""
    rest = iter(replies)
    answers = []
    for call in calls:
        if call.asking is not None:
            next(rest)
        answers.append(next(rest))
    return answers
