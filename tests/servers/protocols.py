"""Connections by a factory of protocols, made as uvicorn makes them, and servers of such."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class State:
    """What uvicorn shares between connections."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()


@asynccontextmanager
async def listening(
    protocols: Callable[[None, State, None], asyncio.BaseProtocol],
    listener: socket.socket | None = None,
) -> AsyncIterator[str]:
    """Serve on a free port of loopback, or on a socket that is bound; yield the URL."""
    state = State()
    bound = listener or socket.create_server(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocols(None, state, None), sock=bound)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.close()
