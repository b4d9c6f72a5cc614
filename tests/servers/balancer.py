"""Balancers in front of nodes: one of our own below HTTP, and HAProxy if it is installed.

Both send new connections to nodes whose `/ready` answers 200, and try no request a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from tests.servers.ports import free_port
from tests.waiting import status_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from chaos.node import Node

CHECK_SECONDS = 0.1
PIECE = 65_536
HAPROXY = """\
global
  maxconn 400
defaults
  mode http
  retries 0
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout check 10s
  option httpchk GET /ready
  http-check expect status 200
  default-server inter 100ms fall 1 rise 1
"""


def haproxy() -> str | None:
    """Return the path of HAProxy, `None` if it is not installed."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


class Balancer:
    """Splices each connection to one of the nodes that were ready at the last look."""

    def __init__(self, nodes: Sequence[Node], plane: str) -> None:
        self._nodes = nodes
        self._plane = plane
        self._turns = count()
        self.ready: list[Node] = []
        self.url = ""

    def has_ready(self, number: int) -> bool:
        """Whether so many nodes were ready at the last look."""
        return len(self.ready) == number

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Balancer]:
        """Serve, and look at the nodes all the time."""
        looking = asyncio.create_task(self._look())
        server = await asyncio.start_server(self._splice, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            looking.cancel()

    async def _look(self) -> None:
        headers = {"Connection": "close"}
        async with httpx.AsyncClient(timeout=10, headers=headers, trust_env=False) as client:
            while True:
                for node in self._nodes:
                    try:
                        answer = await client.get(f"{node.service}/ready")
                        is_ready = answer.status_code == 200
                    except httpx.TransportError:
                        is_ready = False
                    if is_ready is not (node in self.ready):
                        (self.ready.append if is_ready else self.ready.remove)(node)
                await asyncio.sleep(CHECK_SECONDS)

    async def _splice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node = self.ready[next(self._turns) % len(self.ready)]
        place = urlsplit(getattr(node, self._plane))
        try:
            there, back = await asyncio.open_connection(place.hostname, place.port)
        except OSError:
            writer.transport.abort()  # Refused: whoever asked counts it as lost.
            return
        await asyncio.gather(_pass(reader, back), _pass(there, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def haproxy_running(nodes: Sequence[Node], folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run HAProxy in front of both planes; yield their URLs."""
    urls, lines = {}, [HAPROXY]
    for plane in ("edge", "service"):
        port = free_port()
        urls[plane] = f"http://127.0.0.1:{port}"
        lines.append(f"listen {plane}\n  bind 127.0.0.1:{port}")
        for number, node in enumerate(nodes):
            place = urlsplit(getattr(node, plane)).netloc
            check = urlsplit(node.service).port
            lines.append(f"  server node{number} {place} check port {check}")
    async with haproxy_on("\n".join(lines) + "\n", folder, urls["service"]):
        yield urls


@contextlib.asynccontextmanager
async def haproxy_on(text: str, folder: Path, url: str) -> AsyncIterator[None]:
    """Run HAProxy on a configuration, once `/health` below a URL is answered through it."""
    program = haproxy()
    assert program is not None
    (folder / "haproxy.cfg").write_text(text)
    process = await asyncio.create_subprocess_exec(program, "-db", "-f", folder / "haproxy.cfg")
    try:
        health = f"{url}/health"
        await asyncio.to_thread(until, lambda: status_of(health) == 200, f"healthy at {health}")
        yield
    finally:
        process.terminate()
        await process.wait()
