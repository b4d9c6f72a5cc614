"""Bodies on their way through the proxy: large, slow, cut off and given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.edge.raw import raw
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.http1.watch import Patience

if TYPE_CHECKING:
    import httpx

Serve = Callable[..., Awaitable[str]]


async def test_bodies(edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any) -> None:
    base = await edge(await listening())
    big = bytes(range(256)) * 8000

    async def pieces() -> AsyncIterator[Any]:
        for at in range(0, len(big), 70000):
            yield big[at : at + 70000]

    await http.post(base, content=big)
    assert heard.bodies[-1] == big
    assert heard.get("content-length") == [str(len(big))]
    await http.put(base, content=pieces())
    assert heard.bodies[-1] == big
    assert heard.get("content-length") == []
    await http.post(base, content=b"")
    assert heard.get("content-length") == ["0"]
    assert heard.connections == 1


async def test_body_limit(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, admission: Any
) -> None:
    base = await edge(await listening(), max_body=100_000)

    async def pieces() -> AsyncIterator[Any]:
        for _ in range(4):
            yield b"x" * 50_000

    assert (await http.post(base, content=b"x" * 100_001)).status_code == 413
    assert admission.used == 0
    assert (await http.post(base, content=pieces())).status_code == 413
    assert (await http.post(base, content=b"x" * 100_000)).status_code == 200


async def test_client_that_leaves_cancels_the_upstream(
    edge: Serve, raw_upstream: Serve, key: str
) -> None:
    left = asyncio.Event()
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        left.set()

    base = await edge(await raw_upstream(hang))
    host, port = base.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % key.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asked.wait()
        writer.close()
        await left.wait()


async def test_slow_reader_holds_the_upstream_back(
    edge: Serve, raw_upstream: Serve, key: str
) -> None:
    """The upstream's bytes pile up neither here nor in the server: it is made to wait."""
    sent = 0
    enough = 64 * 1024 * 1024
    stuck = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % enough)
        while sent < enough:
            writer.write(b"x" * 65536)
            sent += 65536
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                stuck.set()
                await writer.drain()

    base = await edge(await raw_upstream(flood))
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % key.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stuck.wait()
        assert sent < enough // 2
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(enough)
    writer.close()


async def test_a_client_that_takes_too_long_for_its_body_is_told(
    edge: Serve, raw_upstream: Serve, key: str
) -> None:
    asked = asyncio.Event()
    left = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        while await reader.read(1024):
            pass
        left.set()

    base = await edge(await raw_upstream(listen), patience=Patience(body=0.3))
    for begun in (b"", b"abc"):
        answer = await raw(
            base,
            b"POST / HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\ncontent-length: 100\r\n\r\n%b"
            % (key.encode(), begun),
        )
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert asked.is_set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await left.wait()


async def test_a_client_that_takes_too_long_for_its_answer_is_let_go(
    edge: Serve, raw_upstream: Serve, key: str
) -> None:
    done = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n%b\r\n" % (b"x" * 65536))
                await writer.drain()
        finally:
            done.set()

    base = await edge(await raw_upstream(flood), patience=Patience(write=0.3))
    host, port = base.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % key.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await done.wait()
    writer.close()


async def test_early_answer_while_the_body_is_on_its_way(
    edge: Serve, raw_upstream: Serve, key: str
) -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    base = await edge(await raw_upstream(early))
    answer = await raw(
        base,
        b"POST / HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\ncontent-length: 100\r\n\r\nabc"
        % key.encode(),
    )
    assert answer.startswith(b"HTTP/1.1 403 ")
