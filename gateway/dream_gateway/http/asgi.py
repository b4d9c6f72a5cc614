"""The names of the ASGI interface that both planes are written against (ASGI 3, HTTP spec 2.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]
"""Raw header fields in their order: lower-case names, values as they came."""


def raw_path(scope: Scope) -> bytes:
    """Return the path as it was sent, percent-encoded, without the query."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        path: str = scope["path"]
        return quote_path(path)
    # Some servers include the query, which the specification leaves out.
    return raw.partition(b"?")[0]


def quote_path(path: str) -> bytes:
    """Percent-encode a decoded path."""
    return quote(path, safe="/:@!$&'()*+,;=~-._").encode("ascii")


def header(headers: Headers, name: bytes) -> bytes | None:
    """Return the first value of a field, `None` if it is not there."""
    for key, value in headers:
        if key == name:
            return value
    return None


async def pass_lifespan(receive: Receive, send: Send) -> None:
    """Answer a server's lifespan messages, of which nothing is to be made."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
