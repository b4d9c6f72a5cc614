"""What a site sends in pieces is written as it comes, and never taken for whole if it is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.servers.protocols import listening
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.service.protocol import ServiceProtocols

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.service.app import Service

PIECE = b"x" * 65_536
FIELDS = [(b"a", b"b"), (b"Content-Length", b"3")]
"""A length that is not true beside pieces, which is left out."""


class Pieces:
    """A site that sends pieces for as long as it is let."""

    prefixes = ("/pieces",)

    def __init__(self) -> None:
        self.number = 3
        self.sent = 0
        self.fails = False

    async def open(self, facilities: Any) -> None:
        del facilities

    async def aclose(self) -> None:
        pass

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": FIELDS})
        for _ in range(self.number):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            self.sent += 1
        if self.fails:
            raise ValueError("in the middle")
        await send({"type": "http.response.body", "body": b"end"})


@pytest.fixture
def site(service: Service) -> Pieces:
    made = Pieces()
    service.mount(made)
    return made


@pytest.fixture
async def port(service: Service, site: Pieces) -> AsyncIterator[int]:
    del site
    async with listening(ServiceProtocols(service)) as url:
        yield httpx.URL(url).port or 0


async def ask(port: int, line: str, more: str = "connection: close\r\n") -> bytes:
    """Return all that comes until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{line}\r\nhost: a\r\n{more}\r\n".encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            return await reader.read()
        finally:
            writer.close()


async def test_pieces_are_chunks_and_the_connection_goes_on(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(2):
            writer.write(b"GET /pieces HTTP/1.1\r\nhost: a\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert b"transfer-encoding: chunked" in head
            assert b"content-length" not in head
            body = await reader.readuntil(b"0\r\n\r\n")
            assert body.count(PIECE) == 3
            assert body.endswith(b"3\r\nend\r\n0\r\n\r\n")
    writer.close()


async def test_an_older_client_gets_them_until_the_connection_ends(port: int) -> None:
    head, _, body = (await ask(port, "GET /pieces HTTP/1.0", "")).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == 3 * PIECE + b"end"


async def test_only_the_head_is_for_head(port: int) -> None:
    head, _, body = (await ask(port, "HEAD /pieces HTTP/1.1")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


async def test_a_failure_in_the_middle_is_not_taken_for_the_end(port: int, site: Pieces) -> None:
    site.fails = True
    try:
        told = await ask(port, "GET /pieces HTTP/1.1")
    except ConnectionResetError:
        told = b""
    assert not told.endswith(b"0\r\n\r\n")


async def test_who_takes_nothing_is_sent_little(port: int, site: Pieces) -> None:
    site.number = 2_000  # 131 MB
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /pieces HTTP/1.1\r\nhost: a\r\n\r\n")
    before = -1
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while site.sent == 0 or site.sent != before:
            before = site.sent
            await asyncio.sleep(0.2)  # That no more is sent is told by time alone.
        assert site.sent < 1_000
        body = await reader.readuntil(b"\r\n\r\n")
        assert body
        read = 0
        while read < site.number * len(PIECE):
            read += len(await reader.read(1 << 20))
    assert site.sent == site.number
    writer.close()
