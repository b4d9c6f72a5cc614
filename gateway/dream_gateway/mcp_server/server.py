"""The server: which tools there are, and by which transport they are offered."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server.mcpserver import MCPServer

from dream_gateway.client import AsyncDreamAPI
from dream_gateway.mcp_server.tools import ReadingTools, WritingTools
from dream_gateway.version import version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT_SECONDS = 30.0
INSTRUCTIONS = """\
Tools about one project of a dream-gateway: its customers, their keys and usage, and its tiers. \
Customers have two ids: id (cus_...), which most tools take, and externalId, the user's id in the \
project's own API; list_customers finds one by the other."""


def build_server(url: str, secret_key: str, *, allow_writes: bool) -> MCPServer[None]:
    """Return a server for the project of a secret key; it is the caller's to run."""
    api = AsyncDreamAPI(base_url=url, secret_key=secret_key, timeout=TIMEOUT_SECONDS)

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await api.close()

    server = MCPServer(
        "dream-gateway",
        instructions=INSTRUCTIONS,
        version=version(),
        lifespan=lifespan,
        log_level="WARNING",
    )
    offered = dict(ReadingTools(api).all())
    if allow_writes:
        offered |= WritingTools(api).all()
    for tool, effects in offered.items():
        server.add_tool(tool, annotations=effects)
    return server
