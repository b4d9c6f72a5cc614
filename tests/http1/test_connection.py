"""What a client's bytes are read as: strictly, in one way only, and in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dream_gateway.http1.reader import MAX_HEAD
from dream_gateway.http1.watch import Patience, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[..., Any]

HOST = b"Host: a\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "two framings": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two framings, turned": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a length in two words": POST + b"Content-Length: 3 3\r\n\r\nabc",
    "a huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "a folded framing": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a space before the first field": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "the coding identity": POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked and more": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "a coding, and chunked": POST
    + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "a chunk size with 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk size with a space": CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    "a chunk size in bare line feeds": CHUNKED + b"1\na\n0\n\n",
    "a line feed in an extension": CHUNKED + b"1;x\ny\r\na\r\n0\r\n\r\n",
    "a chunk size past 64 bits": CHUNKED + b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\naXX0\r\n\r\n",
    "a framing in the trailers": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a host of two words": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a host with a slash": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "an authority as the target": b"GET evil:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "an asterisk as the target": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL without a host": b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL with a user": b"GET http://me@evil/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT evil:80 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a null": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a control character": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
    "a name with a parenthesis": b"GET / HTTP/1.1\r\nHost: a\r\nX(: ab\r\n\r\n",
    "an empty name": b"GET / HTTP/1.1\r\nHost: a\r\n: ab\r\n\r\n",
    "a path outside ASCII": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the path": b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a lower-case method": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the first line": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "an upgrade with a body": POST
    + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
    "a head without end": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000,
    "a path without end": b"GET /" + b"y" * 70_000,
    "more after a closing request": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused(recorder: Make, case: str) -> None:
    connection = recorder()
    connection.data_received(REFUSED[case])
    (error,) = connection.errors
    assert error.status in {400, 431, 501}
    assert connection.transport.ended or connection.transport.closed
    # Nothing of it is served, or what is served was complete, or is cut off.
    assert all(s.is_lost or s.whole for s in connection.served)
    before = len(connection.served)
    connection.data_received(b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(connection.served) == before


@pytest.mark.parametrize("case", REFUSED)
async def test_it_makes_no_difference_how_the_bytes_are_cut(recorder: Make, case: str) -> None:
    connection = recorder()
    for at in range(len(REFUSED[case][:4000])):
        connection.data_received(REFUSED[case][at : at + 1])
    connection.data_received(REFUSED[case][4000:])
    # A request that closes is answered before the bytes after it come.
    assert len(connection.errors) == (case != "more after a closing request")
    assert connection.transport.ended or connection.transport.closed
    assert all(s.is_lost or s.whole for s in connection.served)


ACCEPTED = {
    "an absolute URL": (b"GET http://b:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "/x", b"b:1"),
    "a URL without a path": (b"GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n", "/", b"b"),
    "empty lines before": (b"\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", "/x", b"a"),
    "HTTP/1.0 without a host": (b"GET /x HTTP/1.0\r\n\r\n", "/x", None),
    "an extension of a chunk": (CHUNKED + b"1;x=y\r\na\r\n0\r\n\r\n", "/", b"a"),
    "trailers": (CHUNKED + b"1\r\na\r\n0\r\nX-T: 1\r\n\r\n", "/", b"a"),
    "an upgrade nobody offers": (
        b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "/x",
        b"a",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
async def test_what_is_proper_is_served_and_the_connection_goes_on(
    recorder: Make, case: str
) -> None:
    data, path, host = ACCEPTED[case]
    connection = recorder()
    connection.data_received(data)
    (served,) = connection.served
    assert (served.request.path, served.request.fields.get(b"host")) == (path, host)
    assert served.whole
    assert not served.request.upgrade
    if host is not None:
        connection.data_received(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.served[-1].request.path == "/next"
        assert connection.transport.written.count(b"HTTP/1.1 204") == 2


@pytest.mark.parametrize("cut", [True, False])
async def test_trailers_are_no_fields_of_the_next_request(recorder: Make, cut: bool) -> None:
    connection = recorder()
    first = CHUNKED + b"1\r\na\r\n0\r\nX-T: 1\r\nAuthorization: Bearer x\r\n\r\n"
    second = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    for piece in [first, second] if cut else [first + second]:
        connection.data_received(piece)
    assert [served.request.fields.get(b"host") for served in connection.served] == [b"a", b"a"]
    assert list(connection.served[1].request.headers) == [(b"host", b"a")]


ENDLESS = {
    "empty lines before a request": (b"", b"\r\n" * 512),
    "a target": (b"GET /", b"a" * 1024),
    "fields": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"A: %s\r\n" % (b"a" * 1019)),
    "a field": (b"GET / HTTP/1.1\r\nA: ", b"a" * 1024),
    "an extension of a chunk": (CHUNKED + b"1;", b"a" * 1024),
    "a trailer": (CHUNKED + b"0\r\nX-T: ", b"a" * 1024),
    "trailers": (CHUNKED + b"0\r\n", b"A: %s\r\n" % (b"a" * 1019)),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_what_has_no_end_is_refused_after_a_head_s_worth(recorder: Make, case: str) -> None:
    start, piece = ENDLESS[case]
    connection = recorder()
    connection.data_received(start)
    for _ in range(MAX_HEAD // 1024 + 1):
        connection.data_received(piece)
    assert len(connection.errors) == 1
    assert connection.transport.ended or connection.transport.closed


names = st.sampled_from(
    [b"X-A", b"Content-Length", b"Transfer-Encoding", b"Host", b"Connection", b"Expect", b"X-a"]
)
values = st.sampled_from(
    [b"1", b"3", b"03", b"a", b"chunked", b"Chunked", b"close", b"keep-alive", b"b, c", b"", b" 3 "]
) | st.binary(max_size=6)
fields = st.tuples(names, st.sampled_from([b": ", b":", b":\t"]), values)
bodies = st.sampled_from(
    [b"", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3;e\r\nabc\r\n0\r\nT: 1\r\n\r\n", b"ab"]
)
requests = st.builds(
    lambda method, target, version, headers, body: b"".join(
        [
            b"%b %b HTTP/%b\r\n" % (method, target, version),
            *(b"".join(field) + b"\r\n" for field in headers),
            b"\r\n",
            body,
        ]
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT"]),
    st.sampled_from([b"/", b"/a?b", b"/%41", b"http://h/x"]),
    st.sampled_from([b"1.1", b"1.1", b"1.0"]),
    st.lists(fields, max_size=4).map(lambda found: [(b"Host", b": ", b"a"), *found]),
    bodies,
)


@settings(
    max_examples=400,
    # It only makes connections.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(requests, min_size=1, max_size=3).map(b"".join), st.lists(st.integers(1, 90)))
@example(POST + b"Content-Length: 3\r\n\r\nabc" + b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n", [10])
@example(POST + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", [])
@example(CHUNKED + b"0\r\nX-T: 1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", [])
def test_whatever_is_accepted_h11_reads_in_the_same_way(
    recorder: Make, data: bytes, cuts: list[int]
) -> None:
    async def run() -> Any:
        connection = recorder()
        at = 0
        for cut in cuts:
            connection.data_received(data[at : at + cut])
            at += cut
        connection.data_received(data[at:])
        return connection

    connection = asyncio.run(run())
    whole = [served for served in connection.served if served.whole and not served.is_lost]
    for served, (method, target, headers, body) in zip(whole, by_h11(data), strict=False):
        request = served.request
        assert request.method.encode() == method
        raw = request.raw_path + (b"?" + request.query if request.query else b"")
        assert target in (raw, b"http://h" + raw)
        if not target.startswith(b"http"):
            assert as_by_h11(request.headers) == headers
        assert served.pieces == body
    assert len(whole) <= len(by_h11(data))


def as_by_h11(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return fields as h11 gives them: no space about values, codings in small letters."""
    return [
        (name, value.strip(b" \t").lower() if name == b"transfer-encoding" else value.strip(b" \t"))
        for name, value in headers
    ]


def by_h11(data: bytes) -> list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]]:
    """Return the complete requests that h11 reads, up to where it cannot go on."""
    peer = h11.Connection(h11.SERVER)
    peer.receive_data(data)
    found: list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]] = []
    head: Any = None
    body = b""
    try:
        while True:
            event = peer.next_event()
            if isinstance(event, h11.Request):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((head.method, head.target, list(head.headers), body))
                peer.send(h11.Response(status_code=204, headers=[]))
                peer.send(h11.EndOfMessage())
                if peer.our_state is not h11.DONE:
                    return found
                rest = bytes(peer.trailing_data[0])
                while rest.startswith(b"\r\n"):  # h11 takes one empty line, others take any.
                    rest = rest[2:]
                peer = h11.Connection(h11.SERVER)
                peer.receive_data(rest)
            else:
                return found
    except h11.ProtocolError:
        return found


async def test_requests_at_once_are_served_in_their_order_one_by_one(recorder: Make) -> None:
    connection = recorder()
    connection.waits = True
    ask = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    connection.data_received(b"".join(ask % n for n in range(4)))
    assert [s.started for s in connection.served] == [True, False, False, False]
    assert connection.transport.paused  # Who asks for more than one at a time is not read from.
    for served in connection.served:
        served.waits = False
    connection.served[0].go_on()
    assert connection.transport.written.count(b"HTTP/1.1 204") == 4
    assert not connection.transport.paused


async def test_a_body_that_breaks_is_never_taken_for_whole(recorder: Make) -> None:
    connection = recorder()
    connection.data_received(CHUNKED + b"3\r\nabc\r\n")
    (served,) = connection.served
    connection.data_received(b"ZZ\r\n")
    assert served.is_lost
    assert not served.whole
    assert connection.transport.written.startswith(b"HTTP/1.1 400")


async def test_a_client_that_leaves_is_noticed(recorder: Make) -> None:
    connection = recorder()
    connection.waits = True
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.eof_received() is False
    connection.connection_lost(None)
    assert connection.served[0].is_lost


PATIENCE = Patience(head=10, body=20, idle=30, write=40, linger=5)


@pytest.mark.parametrize(
    ("sent", "seconds", "begins"),
    [
        (b"", 10, b""),
        (b"GET / HT", 10, b"HTTP/1.1 408"),
        (POST + b"Content-Length: 3\r\n\r\na", 20, b"HTTP/1.1 408"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30, b"HTTP/1.1 204"),
    ],
)
async def test_a_client_that_is_too_slow_is_let_go(
    recorder: Make, sent: bytes, seconds: int, begins: bytes
) -> None:
    watch = Watch(PATIENCE)
    connection = recorder(watch)
    if sent:
        connection.data_received(sent)
    connection.look(watch.now + seconds - 1)
    assert not connection.transport.closed
    assert not connection.transport.ended
    connection.look(watch.now + seconds + 1)
    assert connection.transport.closed or connection.transport.ended
    assert connection.transport.written.startswith(begins)


async def test_a_client_that_sends_a_byte_now_and_then_is_too_slow_all_the_same(
    recorder: Make,
) -> None:
    watch = Watch(PATIENCE)
    connection = recorder(watch)
    connection.data_received(b"GET / HTTP/1.1\r\nX: ")
    began = watch.now
    for second in range(1, 10):
        watch.now = began + second
        connection.data_received(b"y")
        connection.look(watch.now)
    assert not connection.transport.ended
    connection.look(began + 11)
    assert connection.transport.written.startswith(b"HTTP/1.1 408")


async def test_a_request_that_is_served_has_time(recorder: Make) -> None:
    watch = Watch(PATIENCE)
    connection = recorder(watch)
    connection.waits = True
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.look(watch.now + 1_000)
    assert not connection.transport.closed


async def test_a_client_that_does_not_take_its_answer_is_let_go(recorder: Make) -> None:
    watch = Watch(PATIENCE)
    connection = recorder(watch)
    connection.waits = True
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.pause_writing()
    connection.look(watch.now + 39)
    assert not connection.transport.closed
    connection.look(watch.now + 41)
    assert connection.transport.aborted


async def test_shutdown_closes_what_is_idle_and_finishes_what_is_not(recorder: Make) -> None:
    idle, busy = recorder(), recorder()
    busy.waits = True
    busy.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    idle.shutdown()
    busy.shutdown()
    assert idle.transport.closed
    assert not busy.transport.closed
    busy.served[0].waits = False
    busy.served[0].go_on()
    assert busy.transport.written.startswith(b"HTTP/1.1 204")
    assert b"connection: close" in busy.transport.written
    assert busy.transport.closed


async def test_who_does_not_read_is_not_read_from(recorder: Make) -> None:
    connection = recorder()
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    connection.pause_writing()
    assert connection.transport.paused
    connection.resume_writing()
    assert not connection.transport.paused


async def test_a_body_that_breaks_after_the_answer_has_begun_breaks_the_connection(
    recorder: Make,
) -> None:
    connection = recorder()
    connection.data_received(CHUNKED + b"3\r\nabc\r\n")
    connection.served[0].begin()
    connection.data_received(b"ZZ\r\n")
    assert connection.served[0].is_lost
    assert connection.transport.aborted
    assert connection.transport.written.count(b"HTTP/1.1") == 1


async def test_a_body_that_breaks_after_the_answer_is_complete_is_no_matter(
    recorder: Make,
) -> None:
    connection = recorder()
    connection.answers_early = True
    connection.data_received(CHUNKED + b"3\r\nabc\r\nZZ\r\n")
    assert connection.transport.written.count(b"HTTP/1.1 204") == 1
    assert connection.transport.written.count(b"HTTP/1.1") == 1
    assert connection.transport.ended


async def test_what_begins_while_the_client_does_not_read_is_told(recorder: Make) -> None:
    connection = recorder()
    connection.waits = True
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
    connection.pause_writing()
    first, second = connection.served
    first.waits = False
    first.go_on()
    assert second.started
    assert second.is_paused
    connection.resume_writing()
    assert not second.is_paused
