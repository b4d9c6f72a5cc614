"""What is read without the parser is what the parser reads."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dream_gateway.http1.plain import read_block, read_line

HOST = b"Host: a\r\n"

names = st.sampled_from([b"A", b"x-b", b"Content-Length", b"Connection", b"Host", b"Expect", b""])
values = st.sampled_from([b"1", b"3", b"+1", b"1 1", b"keep-alive", b"close", b" y \t", b"a\r\n b"])
targets = st.sampled_from(
    [b"/", b"/a?b=%20", b"*", b"http://b/", b"/a#b", b"/\x80", b"/a b", b'/"']
)
lines = st.builds(b"%b:%b\r\n".__mod__, st.tuples(names | st.binary(max_size=3), values))
raw = st.binary(max_size=6).map(lambda data: data + b"\r\n")


class Witness:
    """Reads one request with llhttp."""

    def __init__(self, data: bytes) -> None:
        self.target = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.ends = 0
        self.broken = False
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.broken = True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ends += 1


@settings(max_examples=1000)
@given(
    st.sampled_from([b"GET", b"POST", b"get", b"HEAD", b"CONNECT"]) | st.binary(max_size=4),
    targets | st.binary(max_size=5),
    st.lists(lines | raw, max_size=3).map(b"".join),
)
@example(b"GET", b"/", b"\r\n")
@example(b"POST", b"/", b"Content-Length: 3\r\n")
@example(b"POST", b"/", b"Content-Length : 3\r\n")
@example(b"GET", b"/", b"A: b\nC: d\r\n")
@example(b"GET", b"/", b"A: b\r\n c\r\n")
@example(b"GET", b"/", b"A: b\x00\r\n")
@example(b"GET", b"/", b"A: b\x7f\r\n")
def test_llhttp_reads_the_same(method: bytes, target: bytes, fields: bytes) -> None:
    start = b"%b %b HTTP/1.1" % (method, target)
    line, block = read_line(start), read_block(HOST + fields + b"\r\n")
    if line is None or block is None:
        return
    body = b"z" * min(block.length, 100)
    witness = Witness(start + b"\r\n" + HOST + fields + b"\r\n" + body)
    assert not witness.broken
    assert witness.parser.get_method() == line.method
    assert witness.parser.get_http_version() == "1.1"
    assert witness.target == line.target
    # llhttp leaves white space at the end of a value.
    assert [(name, value.rstrip(b" \t")) for name, value in witness.headers] == block.headers
    assert witness.parser.should_keep_alive()
    assert witness.body == body
    assert witness.ends == (1 if block.length <= 100 else 0)


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a b\r\n",
        b"Host: a\r\nTransfer-Encoding: chunked\r\n",
        b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        b"Host: a\r\nContent-Length: -1\r\n",
        b"Host: a\r\nContent-Length: 0x1\r\n",
        b"Host: a\r\nContent-Length: 1, 1\r\n",
        b"Host: a\r\nConnection: close\r\n",
        b"Host: a\r\nConnection: x-secret\r\n",
        b"Host: a\r\nExpect: 100-continue\r\n",
        b"Host: a\r\nUpgrade: h2c\r\n",
        b"Host: a\r\nA: b\n\r\n",
        b"Host: a\r\n A: b\r\n",
        b"Host: a\r\nX: " + b"y" * 9000 + b"\r\n",
    ],
)
def test_what_needs_a_closer_look_is_left_to_it(fields: bytes) -> None:
    assert read_block(fields + b"\r\n") is None


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.0",
        b"GET / HTTP/2.0",
        b"GET  / HTTP/1.1",
        b"GET /",
        b"GET http://a/ HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"HEAD / HTTP/1.1",
        b"CONNECT a:1 HTTP/1.1",
        b" GET / HTTP/1.1",
        b"",
    ],
)
def test_so_is_a_line_out_of_the_ordinary(line: bytes) -> None:
    assert read_line(line) is None


def test_a_plain_request_is_read() -> None:
    block: Any = read_block(b"Host: a:1\r\nX-Y:  z \r\nContent-Length: 3\r\n\r\n")
    assert block.fields == {b"host": b"a:1", b"x-y": b"z", b"content-length": b"3"}
    assert block.length == 3
    assert read_line(b"POST /a?b HTTP/1.1") == (b"POST", b"/a?b")
