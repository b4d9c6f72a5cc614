"""An upstream's answer for whoever waits for it in a task: the way of ASGI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError, UpstreamError

if TYPE_CHECKING:
    from dream_gateway.edge.link import Link
    from dream_gateway.http.asgi import Headers

HIGH_WATER = 256 * 1024
"""Bytes of a body kept here before the upstream is told to wait."""


class AwaitedAnswer:
    """Receives an answer on a link. One task may write the request as another reads."""

    __slots__ = (
        "_body",
        "_buffered",
        "_drained",
        "_error",
        "_head_done",
        "_link",
        "_loop",
        "_waiter",
        "complete",
        "headers",
        "status",
    )

    def __init__(self, link: Link) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._body: list[bytes] = []
        self._buffered = self.status = 0
        self._error: GatewayError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._head_done = self.complete = False
        self.headers: Headers = []

    async def wait_head(self) -> None:
        """Wait for the final answer's head."""
        while not self._head_done:
            if self._error is not None:
                raise self._error
            await self._wait()
        # A head that came with a broken body is still an answer: the body's reader will see.

    async def read(self) -> bytes:
        """Return the body's bytes that are here; wait if there are none; `b""` at its end."""
        while not self._body:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait()
        body, self._body = self._body, []
        self._buffered = 0
        self._link.release()
        return body[0] if len(body) == 1 else b"".join(body)

    async def drain(self) -> None:
        """Wait until the upstream has taken enough of the request."""
        if self._drained is not None:
            await asyncio.shield(self._drained)

    # What the link tells

    def head(self) -> None:
        """Take the head."""
        self.status, self.headers = self._link.status, self._link.headers
        self._head_done = True

    def data(self, data: bytes) -> None:
        """Keep a piece of the body, and hold the upstream back if there is much."""
        self._body.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER:
            self._link.hold()

    def flush(self) -> None:
        """Wake whoever waits."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        """Note the end."""
        self.complete = True
        self.request_drained()
        self.flush()

    def failed(self, error: GatewayError) -> None:
        """Give the error to whoever waits; the first one counts."""
        if not self.complete and self._error is None:
            self._error = error
        self.request_drained()
        self.flush()

    def switched(self, rest: bytes) -> None:
        """Nobody asked for a tunnel."""
        del rest
        self.failed(UpstreamError("The API behind the gateway changed protocol unasked."))

    def request_full(self) -> None:
        """Hold the request's body back."""
        if self._drained is None:
            self._drained = self._loop.create_future()

    def request_drained(self) -> None:
        """Let the request's body on."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    async def _wait(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None
