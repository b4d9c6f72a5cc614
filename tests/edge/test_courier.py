"""The shortcut to the upstream does what the long way does, whatever the upstream does."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.protocols import State
from tests.waiting import eventually

from dream_gateway.edge.front import Front
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.origins import Origins
from dream_gateway.edge.pool import Pool
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable

if TYPE_CHECKING:
    from dream_gateway.edge.link import Link

UPSTREAM = "http://api:3000/base"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"
GET = b"GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Own: 1\r\nX-Request-Id: one\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\nX-Request-Id: one\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.written = b""
        self.closed = self.paused = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Line:
    """A client's connection, the edge, and an upstream's connections, all in memory."""

    def __init__(self, admission: Any, *, plain: bool, **route: Any) -> None:
        admission.plain, admission.used, admission.refunds = plain, 0, 0
        self.admission = admission
        self.wires: list[Wire] = []
        self.links: list[Link] = []
        self.pool = DialledPool(self)
        origins = Origins()
        origins._pools[UPSTREAM] = self.pool
        routes = RouteTable([Route(upstreams=(UPSTREAM,), **route)])
        self.client = EdgeProtocols(Front(admission, routes), origins)(None, State(), None)
        self.wire = Wire()
        self.client.connection_made(self.wire)

    async def warm(self) -> None:
        """Have a connection to the upstream in hand."""
        self.pool.keep(await self.pool.connect(1))

    def ask(self, head: bytes, body: bytes = b"") -> None:
        key = b"Authorization: Bearer " + self.admission.key_secret.encode()
        self.client.data_received(head + key + b"\r\n\r\n" + body)

    def is_away(self) -> bool:
        return self.client.away is not None


class DialledPool(Pool):
    """A pool whose connections lead to memory."""

    __slots__ = ("line",)

    def __init__(self, line: Line) -> None:
        super().__init__(parse_origin(UPSTREAM), None)
        self.line = line

    async def _dial(self, link: Link) -> None:
        wire = Wire()
        self.line.wires.append(wire)
        self.line.links.append(link)
        link.connection_made(wire)


def comparable(data: bytes, start: bytes) -> list[list[bytes]]:
    """Return messages without the time, lines in no order: the shortcut says the request's id last."""
    found = []
    for message in re.split(start, re.sub(rb"date: [^\r]*\r\n", b"", data)):
        head, _, body = message.partition(b"\r\n\r\n")
        found.append([*sorted(head.split(b"\r\n")), body])
    return found


ANSWERS = [
    [OK],
    [OK[:10], OK[10:]],
    [OK[:-1], OK[-1:]],
    [OK + b"extra"],
    [b"HTTP/1.1 100 Continue\r\n\r\n" + OK],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-a\r\nX-A: b\r\n\r\nok"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRateLimit: mine\r\nX-Request-Id: m\r\n\r\nok"],
    [b"HTTP/1.1 204 No Content\r\n\r\n"],
    [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"],
    [b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n-"],
    [b"HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\n-"],
    [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\nX: y\r\n\r\nok"],
    [b"HTTP/1.1 700 What\r\nContent-Length: 0\r\n\r\n"],
    [b"nonsense"],
]


@pytest.mark.parametrize("pieces", ANSWERS)
@pytest.mark.parametrize("route", [{}, {"charge": "success"}, {"preserve_host": True}])
async def test_both_ways_do_the_same(
    admission: Any, pieces: list[bytes], route: dict[str, Any]
) -> None:
    told = []
    for plain in (True, False):
        line = Line(admission, plain=plain, **route)
        await line.warm()
        for head, body in ((GET, b""), (GET, b""), (POST, b"abc")):
            if line.wire.closed:
                break
            if not line.pool._idle:
                await line.warm()
            at = len(line.wires) - 1
            line.ask(head, body)
            assert line.is_away() is plain
            for piece in pieces:
                line.links[at].data_received(piece)
            assert not line.is_away()
        heard = [comparable(wire.written, rb"(?=GET /|POST /)") for wire in line.wires]
        answers = comparable(line.wire.written, rb"(?=HTTP/1\.1 )")
        kept = [wire.closed for wire in line.wires]
        counts = (line.admission.used, line.admission.refunds, line.pool.pending)
        told.append((heard, answers, kept, counts))
        await line.pool.close()
    assert told[0] == told[1]


async def test_what_is_sent_on_is_a_head_of_its_own(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET + b"X-Forwarded-For: 6.6.6.6\r\nX-Dream-Plan: gold\r\nKeep-Alive: 1\r\n")
    head = line.wires[0].written
    assert head.startswith(b"GET /base/a?b=c HTTP/1.1\r\nhost: api:3000\r\nx-own: 1\r\n")
    assert b"x-dream-customer: cust-1\r\nx-dream-plan: free\r\n" in head
    assert b"x-forwarded-for: 127.0.0.1\r\n" in head
    assert not re.search(b"6.6.6.6|gold|authorization|keep-alive", head)
    await line.pool.close()


async def test_without_a_connection_in_hand_it_charges_nothing(admission: Any) -> None:
    line = Line(admission, plain=True)
    line.ask(GET)
    assert not line.is_away()
    await turns()
    line.links[0].data_received(OK)
    assert line.wire.written.startswith(b"HTTP/1.1 200 OK")
    assert line.admission.used == 1
    await line.pool.close()


async def test_without_leases_it_sends_nothing(admission: Any) -> None:
    admission.limit = 0
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    assert line.wire.written.startswith(b"HTTP/1.1 429 ")
    assert line.wires[0].written == b""
    assert len(line.pool._idle) == 1
    await line.pool.close()


async def test_a_body_that_is_too_long_is_refused_before_it_is_charged(admission: Any) -> None:
    line = Line(admission, plain=True, max_body=2)
    await line.warm()
    line.ask(POST, b"abc")
    assert line.wire.written.startswith(b"HTTP/1.1 413 ")
    assert line.admission.used == 0
    await line.pool.close()


@pytest.mark.parametrize(("head", "body", "again"), [(GET, b"", True), (POST, b"abc", False)])
async def test_a_connection_that_was_dead_is_replaced_if_that_is_safe(
    admission: Any, head: bytes, body: bytes, again: bool
) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(head, body)
    line.links[0].data_received(OK)
    line.ask(head, body)
    line.wires[0].closed = True
    line.links[0].connection_lost(None)
    await turns()
    assert len(line.wires) == 1 + again
    if again:
        assert line.wires[1].written.startswith(b"GET /base/a?b=c HTTP/1.1\r\n")
        line.links[1].data_received(OK)
    assert line.wire.written.count(b"HTTP/1.1 200 ") == 1 + again
    assert line.wire.written.count(b"HTTP/1.1 502 ") == (not again)
    assert line.admission.used == 2
    assert line.pool.pending == 0
    await line.pool.close()


async def test_an_upstream_that_breaks_off_half_way_cuts_the_answer_short(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    line.links[0].data_received(OK[:-1])
    line.links[0].connection_lost(None)
    assert line.wire.written.endswith(b"\r\n\r\no")
    assert line.wire.closed
    assert line.pool.pending == 0
    await line.pool.close()


async def test_an_upstream_that_is_silent_is_given_up(admission: Any) -> None:
    line = Line(admission, plain=True, read_timeout=0.01)
    await line.warm()
    line.ask(GET)
    await eventually(lambda: line.wire.written, "given up")
    assert line.wire.written.startswith(b"HTTP/1.1 504 ")
    assert line.wires[0].closed
    assert line.pool.pending == 0
    await line.pool.close()


async def test_a_client_that_leaves_takes_its_connection_along(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    line.client.connection_lost(None)
    assert line.wires[0].closed
    assert line.pool.pending == 0
    line.links[0].data_received(OK)
    assert line.wire.written == b""
    await line.pool.close()


async def test_a_request_that_comes_early_waits_for_its_turn(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    line.ask(GET.replace(b"b=c", b"second"))
    assert line.wire.written == b""
    line.links[0].data_received(OK)
    await turns()
    assert b" /base/a?second " in line.wires[0].written
    line.links[0].data_received(OK.replace(b"ok", b"on"))
    assert [part[-2:] for part in line.wire.written.split(b"HTTP/1.1 200 ")[1:]] == [b"ok", b"on"]
    assert line.admission.used == 2
    await line.pool.close()


async def test_half_a_request_that_comes_early_is_not_taken_for_a_whole_one(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(POST, b"abc" + GET)
    line.links[0].data_received(OK)
    assert line.wires[0].written.count(b"HTTP/1.1\r\n") == 1
    line.ask(b"")
    assert b"GET /base/a?b=c HTTP/1.1\r\n" in line.wires[0].written
    await line.pool.close()


async def test_a_shutdown_lets_it_finish_and_closes(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    line.client.shutdown()
    assert not line.wire.closed
    line.links[0].data_received(OK)
    assert line.wire.written.endswith(b"connection: close\r\n\r\nok")
    assert line.wire.closed
    await line.pool.close()


async def test_an_upstream_that_does_not_read_holds_its_client_back(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(POST, b"abc")
    line.links[0].pause_writing()
    assert line.wire.paused
    line.links[0].resume_writing()
    assert not line.wire.paused
    line.links[0].data_received(OK)
    assert line.wire.written.endswith(b"ok")
    await line.pool.close()


async def test_a_client_that_does_not_read_is_not_served_by_shortcut(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.client.pause_writing()
    line.ask(GET)
    assert not line.is_away()
    await line.pool.close()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_waits_for_a_lease_and_is_sent_then(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(GET)
    assert line.is_away()
    assert line.wires[0].written == b""
    admission.decide()
    line.links[0].data_received(OK)
    assert line.wire.written.startswith(b"HTTP/1.1 200 OK")
    assert (admission.used, line.pool.pending) == (1, 0)
    await line.pool.close()


async def test_what_comes_while_it_waits_is_served_after_it(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(GET)
    line.client.data_received(GET.replace(b"b=c", b"second")[:20])
    assert line.wire.paused
    admission.decide()
    line.links[0].data_received(OK)
    assert not line.wire.paused
    line.ask(GET.replace(b"b=c", b"second")[20:])
    assert b"GET /base/a?second HTTP/1.1\r\n" in line.wires[0].written
    line.links[0].data_received(OK)
    assert line.wire.written.count(b"HTTP/1.1 200 OK") == 2
    assert admission.used == 2
    await line.pool.close()


async def test_a_connection_that_is_gone_by_the_time_is_made_anew(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(GET)
    line.wires[0].closed = True
    line.links[0].connection_lost(None)
    admission.decide()
    await turns()
    assert line.wires[1].written.startswith(b"GET /base/a?b=c HTTP/1.1\r\n")
    line.links[1].data_received(OK)
    assert line.wire.written.startswith(b"HTTP/1.1 200 OK")
    assert (admission.used, line.pool.pending) == (1, 0)
    await line.pool.close()


async def test_a_client_that_leaves_while_it_waits_is_not_charged(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(GET)
    line.client.connection_lost(None)
    admission.decide()
    assert (admission.used, line.wires[0].written) == (0, b"")
    await line.pool.close()


async def test_a_denial_after_waiting_is_told_as_any_other(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(POST, b"abc")
    admission.limit = 0
    admission.decide()
    assert line.wire.written.startswith(b"HTTP/1.1 429 ")
    assert b'"quota_exceeded"' in line.wire.written
    line.ask(GET)
    assert line.wire.written.count(b"HTTP/1.1 429 ") == 2
    await line.pool.close()


async def test_a_shutdown_while_it_waits_lets_it_finish(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    admission.waits = True
    line.ask(GET)
    line.client.shutdown()
    assert not line.wire.closed
    admission.decide()
    line.links[0].data_received(OK)
    assert line.wire.written.startswith(b"HTTP/1.1 200 OK")
    assert line.wire.closed
    await line.pool.close()


async def test_forward_auth_waits_too(admission: Any) -> None:
    line = Line(admission, plain=True)
    question = GET.replace(b"/a?b=c", b"/authorize")
    admission.waits = True
    line.ask(question)
    assert line.wire.written == b""
    admission.decide()
    assert line.wire.written.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n")
    admission.limit = 1
    line.ask(question)
    assert line.wire.written.count(b"HTTP/1.1 429 ") == 1
