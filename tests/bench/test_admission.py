"""Errors of admission, counted on a server that limits and forgets; and the client that counts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from bench.load.admission import IN_FLIGHT, LIMIT, Crash, Tally, ask
from bench.load.client import Connection, parse_head, request
from bench.load.wrk import Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Limiter:
    """Answers 200 up to the limit and 429 past it, counting in memory."""

    limit: int
    used: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.used += 1
                status = "200 OK" if self.used <= self.limit else "429 Too Many Requests"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    def die(self) -> None:
        """Forget everything and break all connections."""
        self.used = 0
        for each in self.open:
            each.transport.abort()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Job]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Job(f"http://127.0.0.1:{port}/", headers={"X-API-Key": "k"})
    finally:
        server.close()


async def test_what_passes_is_counted() -> None:
    async with serving(Limiter(LIMIT).serve) as job:
        assert await ask(job, 1500) == Tally(admitted=1000, denied=500)


async def test_a_server_that_forgets_its_counts_admits_more() -> None:
    limiter = Limiter(LIMIT)
    loop = asyncio.get_running_loop()
    again: list[int] = []

    def kill() -> None:
        asyncio.run_coroutine_threadsafe(_call(limiter.die), loop).result(10)

    async with serving(limiter.serve) as job:
        tally = await ask(job, 2500, Crash(kill, lambda: again.append(1)))
    assert again == [1]
    # Half of the limit or somewhat more before, less what died unanswered, and all of it after.
    assert LIMIT * 3 // 2 - IN_FLIGHT <= tally.admitted < LIMIT * 2 + IN_FLIGHT
    assert 0 < tally.unanswered <= IN_FLIGHT
    assert tally.admitted + tally.denied + tally.unanswered == 2500


async def _call(function: Callable[[], None]) -> None:
    function()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 429 Slow Down\r\ncontent-length: 3\r\n\r\nabc", 429),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\nto the end", 503),
    ],
)
async def test_the_client_reads_an_answer_to_its_end(answer: bytes, status: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if b"close" in answer:
            writer.close()
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 418 Next\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with serving(serve) as job:
        connection, asked = Connection(job.url), request(job.method, job.url, job.headers)
        assert (await connection.ask(asked)).status == status
        if b"close" not in answer:
            assert (await connection.ask(asked)).status == 418
        connection.close()


async def test_a_broken_answer_is_no_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        writer.close()

    async with serving(serve) as job:
        with pytest.raises(EOFError):
            await Connection(job.url).ask(request(job.method, job.url, job.headers))


def test_a_head_is_read_by_its_names_in_lower_case() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a:b\r\n\r\n"
    assert parse_head(head) == (200, {"content-length": "2", "x": "a:b"})
