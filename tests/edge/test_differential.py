"""What reaches the upstream is what was admitted, request for request: h11 reads the upstream's side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.servers.protocols import State

from dream_gateway.edge.front import Front
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.origins import Origins
from dream_gateway.edge.pool import Pool
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.edge.link import Link

Asked = tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]

UPSTREAM = "http://api:3000"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """A transport that hands what is written to a function."""

    def __init__(self, written: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self._written = written
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self._written(bytes(data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """The test feeds no faster than it is served."""

    def resume_reading(self) -> None:
        """The test feeds no faster than it is served."""


class Reader:
    """Reads requests with h11 and answers each, so that it can go on to the next."""

    def __init__(self, data: bytes = b"") -> None:
        """Read one request of `data` only, if it is given; `rest` is what follows it."""
        self.rest = b""
        self._only_one = bool(data)
        self.read: list[tuple[bytes, bytes, bytes]] = []
        self.broken = False
        self._peer = h11.Connection(h11.SERVER)
        self._parts: list[Any] = []
        if data:
            self.feed(data)

    def feed(self, data: bytes) -> int:
        """Take bytes and return how many requests they completed."""
        before = len(self.read)
        try:
            self._peer.receive_data(data)
            while type(event := self._peer.next_event()) not in {h11.NEED_DATA, h11.PAUSED}:
                if type(event) is h11.ConnectionClosed:
                    break
                self._parts.append(event)
                if type(event) is h11.EndOfMessage:
                    self._finish()
        except h11.ProtocolError:
            self.broken = True
        return len(self.read) - before

    def _finish(self) -> None:
        head, *rest = self._parts
        body = b"".join(bytes(part.data) for part in rest if type(part) is h11.Data)
        self.read.append((head.method, head.target, body))
        self._parts.clear()
        if self._only_one:
            self.rest = bytes(self._peer.trailing_data[0])
            return
        self._peer.send(h11.Response(status_code=204, headers=[]))
        self._peer.send(h11.EndOfMessage())
        if self._peer.our_state is h11.DONE:
            self._peer.start_next_cycle()


class MemoryPool(Pool):
    """A pool whose connections lead to readers in memory."""

    __slots__ = ("readers",)

    def __init__(self) -> None:
        super().__init__(parse_origin(UPSTREAM), None)
        self.readers: list[Reader] = []

    async def _dial(self, link: Link) -> None:
        reader = Reader()
        self.readers.append(reader)
        loop = asyncio.get_running_loop()

        def written(data: bytes) -> None:
            for _ in range(reader.feed(data)):
                loop.call_soon(link.data_received, ANSWER)

        link.connection_made(Wire(written))


values = st.sampled_from([b"1", b"3", b"chunked", b"close", b"b, c", b"", b"x\ty"]) | st.binary(
    max_size=5
)
names = st.sampled_from(
    [b"X-A", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect", b"Te", b"Upgrade"]
)
bodies = st.sampled_from(
    [b"", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"]
)


def message(request: Asked, key: bytes) -> bytes:
    method, target, headers, body = request
    lines = [b"%b %b HTTP/1.1" % (method, target), b"Host: a", b"Authorization: Bearer " + key]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


requests = st.tuples(
    st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"DELETE"]),
    st.sampled_from([b"/", b"/a?b=c", b"/%2e%2e/x", b"//a", b"http://b/y", b"/a%0d%0ax"]),
    st.lists(st.tuples(names, values), max_size=3),
    bodies,
)


@settings(
    max_examples=300,
    # Its counts are set to zero.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(requests, min_size=1, max_size=3),
    st.none() | st.lists(st.integers(1, 120), max_size=6),
    st.booleans(),
)
@example(
    [(b"POST", b"/", [(b"Transfer-Encoding", b"chunked")], b"3\r\nabc\r\n0\r\n\r\n")] * 2,
    [9],
    False,
)
@example([(b"POST", b"/", [(b"Content-Length", b"3")], b"abc")] * 3, [150, 3], False)
@example([(b"POST", b"/", [(b"Content-Length", b"3")], b"abc")] * 3, None, True)
@example([(b"POST", b"/", [(b"Content-Length", b"3")], b"abcGET / HTTP/1.1")] * 2, None, True)
def test_the_upstream_hears_what_was_admitted_and_nothing_else(
    admission: Any, key: str, asked: Any, cuts: list[int] | None, plain: bool
) -> None:
    """`cuts` are where what is sent is cut, `None` between the messages; `plain` opens shortcuts."""
    admission.used = 0
    admission.plain = plain
    messages = [message(each, key.encode()) for each in asked]
    data = b"".join(messages)
    answered = bytearray()
    sizes = [len(each) for each in messages] if cuts is None else [*cuts, len(data)]

    async def run() -> MemoryPool:
        route, origins = Route(upstreams=(UPSTREAM,)), Origins()
        pool = origins._pools[UPSTREAM] = MemoryPool()
        pool.keep(await pool.connect(1))  # Shortcuts take no other.
        protocols = EdgeProtocols(Front(admission, RouteTable([route])), origins)
        client = protocols(None, State(), None)
        client.connection_made(Wire(answered.extend))
        at = 0
        for cut in sizes:
            client.data_received(data[at : at + cut])
            at += cut
            for _ in range(15):
                await asyncio.sleep(0)
        client.connection_lost(None)
        await pool.close()
        return pool

    readers = asyncio.run(run()).readers
    assert not any(reader.broken for reader in readers)
    heard = [each for reader in readers for each in reader.read]
    assert len(heard) <= admission.used
    assert answered.count(b"HTTP/1.1 200") <= len(heard)
    # In their order, each request that was heard is one that h11 reads in what the client sent.
    meant = iter(read_by_h11(data))
    for request in heard:
        assert any(same(request, other) for other in meant), request


def read_by_h11(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return the complete requests in what a client sent; empty lines before one are no matter."""
    found: list[tuple[bytes, bytes, bytes]] = []
    while data:
        # RFC 9112 2.2 has servers ignore them, which h11 does not.
        reader = Reader(data.lstrip(b"\r\n"))
        if not reader.read:
            return found
        found += reader.read
        data = reader.rest
    return found


def same(heard: tuple[bytes, bytes, bytes], meant: tuple[bytes, bytes, bytes]) -> bool:
    target = meant[1].removeprefix(b"http://b")
    return heard == (meant[0], target, meant[2])
