"""TLS on real sockets, on both event loops: handshakes that fail or never come, and how it ends."""

from __future__ import annotations

import asyncio
import inspect
import select
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from tests.servers.protocols import State
from tests.servers.tls import all_of, ask
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.http.problem import problem
from dream_gateway.http.reply import Reply
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import Brief, Prepared, answer
from dream_gateway.http1.request import unread
from dream_gateway.http1.secured import Secured, SecuredProtocols
from dream_gateway.http1.watch import Patience, Watch

if TYPE_CHECKING:
    from tests.servers.tls import Authority

    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.request import Request

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n"
BIG = 8 << 20


class Whole(Brief):
    """Answers 204 to a request that is all in; its path may ask for much, or for no more patience."""

    __slots__ = ()

    def start(self) -> None:
        if self.request.path == "/big":
            answer(self.client, self, Reply(200, [], b"x" * BIG), ends=True)
        elif self.request.path == "/early" or self.whole:
            answer(self.client, self, Reply(204, [], b""), ends=not self.whole)

    def body_end(self) -> None:
        super().body_end()
        if not self.begun:
            self.start()


class Served(HttpConnection):
    """A connection whose requests are answered at once."""

    __slots__ = ()

    def accept(self, request: Request) -> Exchange:
        return Whole(self, request)

    def refuse(self, error: GatewayError) -> Exchange:
        return Prepared(self, unread(), problem(error))


class Ahead(Watch):
    """Looks as if it were later, too."""

    def look_ahead(self, seconds: float) -> None:
        for connection in tuple(self._connections):
            connection.look(self.now + seconds)


@dataclass
class Listening:
    """A listener that speaks TLS, and what shares it."""

    port: int
    watch: Ahead
    state: State
    client: ssl.SSLContext

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.client)

    async def plain(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> ssl.SSLSocket:
        return await asyncio.to_thread(ask, "127.0.0.1", self.port, self.client, request)

    async def alone(self) -> None:
        """Wait until no connection is left."""
        await eventually(lambda: not self.state.connections, "without a connection")


Listen = Callable[..., AbstractAsyncContextManager[Listening]]


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Have a test run on each of the event loops whose transports a gateway may have."""
    signature = inspect.signature(test)

    def run(loop: str, **fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(test(**fixtures))

    more = inspect.Parameter("loop", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(  # type: ignore[attr-defined] # what pytest looks at
        parameters=[*signature.parameters.values(), more], return_annotation=None
    )
    loops = ["uvloop", pytest.param("asyncio", marks=pytest.mark.long)]
    marked: Callable[..., None] = pytest.mark.parametrize("loop", loops)(run)
    return marked


@pytest.fixture
def listen(authority: Authority) -> Listen:
    @asynccontextmanager
    async def start(**patience: float) -> AsyncIterator[Listening]:
        watch, state = Ahead(Patience(**patience)), State()
        protocols = SecuredProtocols(
            lambda *_: Served(watch, state), authority.context("127.0.0.1"), watch
        )
        server = await asyncio.get_running_loop().create_server(
            lambda: protocols(None, state, None), "127.0.0.1", 0
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                port = server.sockets[0].getsockname()[1]
                yield Listening(port, watch, state, authority.client())
                for connection in tuple(state.connections):
                    connection.shutdown()
                server.close()
        finally:
            for connection in tuple(state.connections):
                connection.shutdown()

    return start


@on_both_loops
async def test_requests_at_once_are_answered_in_their_order(listen: Listen) -> None:
    async with listen() as there:
        reader, writer = await there.connect()
        writer.write(ASKED * 3)
        for _ in range(3):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(NO_CONTENT)
        writer.write(ASKED.replace(b"host", b"connection: close\r\nhost"))
        assert b"connection: close" in await reader.read()
        writer.close()
        await there.alone()


@on_both_loops
async def test_a_handshake_may_come_byte_by_byte_with_the_request_right_behind(
    listen: Listen,
) -> None:
    async with listen() as there:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = there.client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        reader, writer = await there.plain()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(0)
                incoming.write(await reader.read(65536))
        # The end of the handshake, and more than is read at once, in one piece.
        tls.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % BIG)
        tls.write(b"x" * BIG)
        writer.write(outgoing.read())
        answered = b""
        while not answered:
            incoming.write(await reader.read(65536))
            try:
                answered = tls.read(65536)
            except ssl.SSLWantReadError:
                continue
        assert answered.startswith(NO_CONTENT)
        writer.close()
        await there.alone()


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00"], ids=len)
@on_both_loops
async def test_a_handshake_that_does_not_come_to_its_end_is_broken_off(
    listen: Listen, said: bytes
) -> None:
    async with listen(head=0.3) as there:
        reader, writer = await there.plain()
        writer.write(said)
        assert await _end(reader) == b""
        writer.close()
        await there.alone()


@on_both_loops
async def test_plain_http_is_told_that_this_is_tls(listen: Listen) -> None:
    async with listen(linger=0.3) as there:
        reader, writer = await there.plain()
        writer.write(ASKED)
        told = await reader.read()
        assert told.startswith(b"HTTP/1.1 400 ")
        assert b"begin with https://" in told
        # It is let go whether it goes or not.
        await there.alone()
        writer.close()


@pytest.mark.parametrize("said", [b"\x00\x01", b"\x16\x03\x01\x00\x05hello", b"\x16" + b"x" * 600])
@on_both_loops
async def test_what_is_neither_ends_without_a_word_of_http(listen: Listen, said: bytes) -> None:
    async with listen() as there:
        reader, writer = await there.plain()
        writer.write(said)
        assert b"HTTP" not in await _end(reader)
        writer.close()
        await there.alone()


@on_both_loops
async def test_a_client_that_leaves_within_the_handshake_leaves_nothing(listen: Listen) -> None:
    async with listen() as there:
        _, writer = await there.plain()
        writer.write(b"\x16\x03\x01\x02\x00")
        await eventually(lambda: there.state.connections, "connected")
        writer.close()
        await there.alone()


@on_both_loops
async def test_what_cannot_be_read_is_answered(listen: Listen) -> None:
    async with listen() as there:
        reader, writer = await there.connect()
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        await there.alone()


@on_both_loops
async def test_a_client_that_still_sends_gets_its_answer(listen: Listen) -> None:
    async with listen() as there:
        reader, writer = await there.connect()
        head = b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % BIG
        writer.write(head + b"x" * (BIG // 2))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(NO_CONTENT)
        writer.close()
        await there.alone()


@on_both_loops
async def test_a_slow_client_gets_all_of_an_answer_that_ends_the_connection(
    listen: Listen,
) -> None:
    async with listen(linger=0.2) as there:
        tls = await there.ask(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.to_thread(select.select, [tls], [], [])
        # Longer than anybody waits for a goodbye; but this one has yet to hear what was said.
        for ahead in (5.0, 10.0, 15.0):
            there.watch.look_ahead(ahead)
        got = await asyncio.to_thread(all_of, tls)
        assert got.partition(b"\r\n\r\n")[2] == b"x" * BIG
        await there.alone()


@on_both_loops
async def test_an_idle_client_is_told_and_need_not_answer(listen: Listen) -> None:
    async with listen() as there:
        tls = await there.ask(ASKED)
        await asyncio.to_thread(tls.recv, 65536)
        (connection,) = there.state.connections
        connection.shutdown()
        await there.alone()
        # Not a broken connection: the end was said (`close_notify`).
        assert await asyncio.to_thread(tls.recv, 1) == b""
        tls.close()


@on_both_loops
async def test_a_drain_lets_a_handshake_end_and_one_request_be_served(listen: Listen) -> None:
    async with listen() as there:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = there.client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        reader, writer = await there.plain()
        writer.write(hello[:9])
        await eventually(lambda: there.state.connections, "connected")
        there.watch.leave()
        for connection in tuple(there.state.connections):
            connection.shutdown()
        writer.write(hello[9:])
        incoming.write(await reader.read(65536))
        tls.do_handshake()
        tls.write(ASKED)
        writer.write(outgoing.read())
        while data := await reader.read(65536):
            incoming.write(data)
        assert b"connection: close" in tls.read(65536)
        writer.close()
        await there.alone()


@on_both_loops
async def test_a_drain_does_not_wait_for_a_handshake_that_never_ends(listen: Listen) -> None:
    async with listen(linger=0.3) as there:
        reader, writer = await there.plain()
        writer.write(b"\x16\x03\x01\x02\x00")
        await eventually(lambda: there.state.connections, "connected")
        (connection,) = there.state.connections
        assert isinstance(connection, Secured)
        connection.shutdown()
        assert await _end(reader) == b""
        writer.close()
        await there.alone()


async def _end(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, however it does."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
