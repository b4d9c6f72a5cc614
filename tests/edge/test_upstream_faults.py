"""Upstreams that refuse, hang, reset, answer garbage; retries, health, Unix sockets and TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.routes import Route

if TYPE_CHECKING:
    from pathlib import Path

Serve = Callable[..., Awaitable[str]]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REFUSED = "http://127.0.0.1:1"


def answering(*parts: bytes, end: bool = True, reset: bool = False) -> Any:
    """Answer the first request with these bytes, and then close, or reset, or wait."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        if reset:
            writer.transport.abort()
        elif not end:
            await reader.read()

    return handler


async def test_refused(edge: Serve, http: httpx.AsyncClient) -> None:
    answer = await http.get(await edge(REFUSED))
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_unreachable")


GARBAGE = [
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00\x01\x02\x03\r\n\r\n",
    b"HTTP/1.1 999999 X\r\n\r\n",
    b"HTTP/1.1 700 X\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    b"HTTP/1.1 200 OK\r\ncontent-le",
    b"",
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve, garbage: Any
) -> None:
    answer = await http.get(await edge(await raw_upstream(answering(garbage))))
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")
    assert "HTTP/1" not in answer.json()["instance"]


async def test_reset_before_the_head(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    answer = await http.get(await edge(await raw_upstream(answering(reset=True))))
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n",
    ],
)
@pytest.mark.parametrize("reset", [True, False])
async def test_body_cut_short_is_seen_by_the_client(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve, head: Any, reset: Any
) -> None:
    base = await edge(await raw_upstream(answering(head, reset=reset)))
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(base)


async def test_timeouts(edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve) -> None:
    silent = await raw_upstream(answering(end=False))
    slow = await raw_upstream(
        answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", end=False)
    )
    base = await edge(
        routes=[
            Route("/silent", (silent,), read_timeout=0.1),
            Route("/slow", (slow,), read_timeout=0.1),
        ]
    )
    answer = await http.get(base + "/silent")
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(base + "/slow")


async def test_an_upstream_that_stops_reading(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport reads, too
        await asyncio.Event().wait()

    base = await edge(await raw_upstream(deaf), write_timeout=0.2)

    async def pieces() -> AsyncIterator[Any]:
        for _ in range(400):
            yield b"x" * 65536

    answer = await http.post(base, content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")


async def test_body_that_ends_with_the_connection(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    base = await edge(await raw_upstream(answering(b"HTTP/1.1 200 OK\r\n\r\nabc", b"def")))
    assert (await http.get(base)).text == "abcdef"
    base = await edge(await raw_upstream(answering(b"HTTP/1.0 200 OK\r\n\r\n")))
    assert (await http.get(base)).text == ""


async def test_unasked_bytes_never_answer_the_next_request(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    count = 0

    async def smuggler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await reader.read()

    base = await edge(await raw_upstream(smuggler))
    assert [(await http.get(base)).text for _ in range(3)] == ["ok"] * 3
    assert count == 3


def closing_after(requests: int, heard: list[bytes]) -> Any:
    """Answer so many requests on a connection, hear one more, and close without a word."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(requests):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(OK)
        heard.append(await reader.readuntil(b"\r\n\r\n"))

    return handler


async def test_dead_reused_connection_is_retried_once_and_charged_once(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve, admission: Any
) -> None:
    heard: list[bytes] = []
    base = await edge(await raw_upstream(closing_after(1, heard)))
    assert [(await http.get(base)).status_code for _ in range(3)] == [200] * 3
    assert admission.used == 3
    assert len(heard) == 5


async def test_post_is_not_sent_twice(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    heard: list[bytes] = []
    base = await edge(await raw_upstream(closing_after(1, heard)))
    assert (await http.post(base)).status_code == 200
    assert (await http.post(base)).status_code == 502
    assert len(heard) == 2


async def test_retries_can_be_forbidden(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    heard: list[bytes] = []
    base = await edge(await raw_upstream(closing_after(1, heard)), retries=0)
    assert (await http.get(base)).status_code == 200
    assert (await http.get(base)).status_code == 502


async def test_fresh_connection_that_dies_is_not_retried(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    heard: list[bytes] = []
    base = await edge(await raw_upstream(closing_after(0, heard)))
    assert (await http.get(base)).status_code == 502
    assert len(heard) == 1


async def test_an_origin_that_refuses_is_passed_over(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
) -> None:
    base = await edge(REFUSED, await listening())
    answers = [await http.post(base, content=b"x") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len(heard.heads) == 6


async def test_the_least_busy_origin_is_chosen(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    release = asyncio.Event()
    busy = [0, 0]

    def origin(number: Any) -> Any:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            busy[number] += 1
            if sum(busy) == 4:
                release.set()
            await release.wait()
            writer.write(OK)
            await writer.drain()

        return handler

    base = await edge(await raw_upstream(origin(0)), await raw_upstream(origin(1)))
    await asyncio.gather(*[http.get(base) for _ in range(4)])
    assert busy == [2, 2]


async def test_the_pool_is_bounded(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    now = most = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0)
                writer.write(OK)
        finally:
            now -= 1

    base = await edge(await raw_upstream(handler), client=HttpUpstream(max_connections=3))
    answers = await asyncio.gather(*[http.get(base) for _ in range(30)])
    assert {answer.status_code for answer in answers} == {200}
    assert most == 3


async def test_waiting_for_a_connection_has_an_end(
    edge: Serve, http: httpx.AsyncClient, raw_upstream: Serve
) -> None:
    base = await edge(
        await raw_upstream(answering(end=False)),
        client=HttpUpstream(max_connections=1),
        connect_timeout=0.2,
        read_timeout=1,
    )
    answers = await asyncio.gather(*[http.get(base) for _ in range(3)])
    assert {answer.status_code for answer in answers} == {504}


async def test_unix_socket(edge: Serve, http: httpx.AsyncClient, tmp_path: Path) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    path = tmp_path / "api.sock"
    server = await asyncio.start_unix_server(handler, path)
    try:
        assert (await http.get(await edge(f"unix:{path}"))).text == "ok"
    finally:
        server.close()


def certificate(folder: Path) -> None:
    """Write a self-signed certificate for `localhost`, and its key."""
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = "-keyout key.pem -out cert.pem"
    command = f"openssl {request} {names} {files}".split()
    made = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr


async def test_tls_is_verified(edge: Serve, http: httpx.AsyncClient, tmp_path: Path) -> None:
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    try:
        url = f"https://localhost:{port}"
        good = await edge(url, client=HttpUpstream(ssl_context=trusting))
        assert (await http.get(good)).text == "ok"
        assert (await http.get(await edge(url))).json()["code"] == "upstream_unreachable"
        wrong_name = await edge(
            f"https://127.0.0.1:{port}", client=HttpUpstream(ssl_context=trusting)
        )
        assert (await http.get(wrong_name)).json()["code"] == "upstream_unreachable"
    finally:
        server.close()
