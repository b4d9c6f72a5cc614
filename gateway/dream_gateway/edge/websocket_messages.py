"""The messages of a WebSocket that was accepted: relayed both ways, until either side closes."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from dream_gateway.http.asgi import Message, Receive, Send

_LOG = logging.getLogger(__name__)

NORMAL = 1000
GOING_AWAY = 1001
TOO_BIG = 1009
BAD_GATEWAY = 1014
_UNSENDABLE = frozenset({1004, 1005, 1006, 1015})
"""Codes that say how a connection ended and never travel (RFC 6455 7.4.1)."""


async def relay_messages(
    upstream: ClientConnection, receive: Receive, send: Send, limit: int
) -> None:
    """Relay until either side closes, then pass its close code on. `limit` is bytes."""
    inward = asyncio.create_task(_inward(upstream, receive, limit))
    outward = asyncio.create_task(_outward(upstream, send))
    tasks = (inward, outward)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Closing the client for its own fault closes the upstream, too: the fault counts.
        code, reason = (inward.result(), "") if inward.done() else outward.result()
        if code is not None:
            await send({"type": "websocket.close", "code": code, "reason": reason})
    except OSError:
        _LOG.debug("the client left its websocket", exc_info=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _inward(upstream: ClientConnection, receive: Receive, limit: int) -> int | None:
    """Relay the client's messages; return the code to close it with, `None` if it left itself."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await upstream.close(*_close_of(message))
            return None
        data: str | bytes = message.get("text") or message.get("bytes") or ""
        if message.get("text") is None and message.get("bytes") is not None:
            data = message["bytes"]
        if len(data) > limit:
            await upstream.close(GOING_AWAY)
            return TOO_BIG
        try:
            await upstream.send(data)
        except ConnectionClosed:
            # Its close code is the other direction's to relay; it ends this one, too.
            await asyncio.get_running_loop().create_future()


async def _outward(upstream: ClientConnection, send: Send) -> tuple[int, str]:
    """Relay the upstream's messages; return the code and reason to close the client with."""
    while True:
        try:
            data = await upstream.recv()
        except ConnectionClosed as exc:
            return _closed_with(exc)
        if isinstance(data, str):
            await send({"type": "websocket.send", "text": data})
        else:
            await send({"type": "websocket.send", "bytes": data})


def _closed_with(closed: ConnectionClosed) -> tuple[int, str]:
    if closed.rcvd is not None:
        code = NORMAL if closed.rcvd.code in _UNSENDABLE else closed.rcvd.code
        return code, closed.rcvd.reason
    if closed.sent is not None and closed.sent.code == TOO_BIG:
        return TOO_BIG, ""
    return BAD_GATEWAY, ""


def _close_of(message: Message) -> tuple[int, str]:
    code: int = message.get("code") or 1005
    if code == 1005:
        return NORMAL, ""
    if code in _UNSENDABLE or not 1000 <= code < 5000:
        return GOING_AWAY, ""
    return code, message.get("reason") or ""
