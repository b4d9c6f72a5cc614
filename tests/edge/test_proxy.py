"""What the proxy passes on, and how: fields, targets and answers, against upstreams of raw bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.raw import raw

from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route

if TYPE_CHECKING:
    import httpx

Serve = Callable[..., Awaitable[str]]


async def test_relays_and_adds_identity(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
) -> None:
    base = await edge(await listening())
    answer = await http.get(base + "/a%2Fb/c?x=1&y=%20")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert heard.heads[0].startswith(b"GET /a%2Fb/c?x=1&y=%20 HTTP/1.1\r\n")
    assert heard.get("x-dream-customer") == ["cust-1"]
    assert heard.get("x-dream-plan") == ["free"]
    assert heard.get("x-dream-project") == ["prj_1"]
    assert heard.get("authorization") == []
    assert heard.get("via") == ["1.1 dream-gateway"]
    assert answer.headers["ratelimit-policy"] == '"quota";q=1000;w=2592000'
    assert answer.headers["ratelimit"] == '"quota";r=999;t=1234'
    assert answer.headers["x-request-id"] == heard.get("x-request-id")[0]


async def test_keeps_connections(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
) -> None:
    base = await edge(await listening())
    for _ in range(5):
        await http.get(base)
    assert heard.connections == 1


async def test_spoofed_and_hop_by_hop_fields_stay_behind(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, kind: str
) -> None:
    base = await edge(await listening())
    await http.get(
        base,
        headers=[
            ("X-Dream-Customer", "evil"),
            ("X_Dream_Customer", "evil"),
            ("X-Dream_Anything", "evil"),
            ("Connection", "keep-alive, X-Private, close"),
            ("X-Private", "1"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Proxy-Authorization", "Basic abc"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X_Forwarded_For", "6.6.6.6"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Public", "2"),
            ("X-Public", "1"),
        ],
    )
    names = [name for name, _ in heard.fields]
    assert heard.get("x-dream-customer") == ["cust-1"]
    for gone in ("connection", "x-private", "keep-alive", "te", "proxy-authorization"):
        assert gone not in names
    assert not [name for name in names if "_" in name]
    assert heard.get("x-public") == ["2", "1"]
    assert heard.get("x-forwarded-for") == ["127.0.0.1"]
    port = base.rpartition(":")[2]
    proto = "https" if kind == "tls" else "http"
    assert heard.get("x-forwarded-proto") == [proto]
    assert heard.get("forwarded") == [f'for=127.0.0.1;host="127.0.0.1:{port}";proto={proto}']


async def test_a_trusted_peer_is_believed(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, admission: Any
) -> None:
    options = EdgeOptions(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"))
    base = await edge(await listening(), options=options)
    sent = {
        "X-Forwarded-For": "6.6.6.6, 8.8.8.8, 10.1.2.3",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "api.example",
        "Forwarded": "for=8.8.8.8",
    }
    await http.get(base, headers=sent)
    assert admission.plain or admission.asked[-1][3] == "8.8.8.8"
    assert heard.get("x-forwarded-for") == ["6.6.6.6, 8.8.8.8, 10.1.2.3, 127.0.0.1"]
    assert heard.get("x-forwarded-proto") == ["https"]
    assert heard.get("x-forwarded-host") == ["api.example"]
    assert heard.get("forwarded") == ["for=8.8.8.8, for=127.0.0.1;host=api.example;proto=https"]


async def test_host(edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any) -> None:
    upstream = await listening()
    base = await edge(
        routes=[
            Route("/", (upstream,)),
            Route("/kept", (upstream,), preserve_host=True),
        ]
    )
    await http.get(base + "/", headers={"host": "api.example"})
    assert heard.get("host") == [upstream.removeprefix("http://")]
    await http.get(base + "/kept", headers={"host": "api.example"})
    assert heard.get("host") == ["api.example"]


async def test_prefix_is_stripped_and_encoding_kept(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
) -> None:
    base = await edge(
        routes=[Route("/v1/x", (await listening() + "/base",), strip_prefix=True, cost=5)]
    )
    assert (await http.get(base + "/other")).status_code == 404
    await http.get(base + "/v1/x/a%2Fb?q=%3D")
    assert heard.heads[-1].startswith(b"GET /base/a%2Fb?q=%3D ")
    await http.get(base + "/v1/x")
    assert heard.heads[-1].startswith(b"GET /base/ ")
    await http.get(base + "/v1/%78/z")
    assert heard.heads[-1].startswith(b"GET /base/z ")


@pytest.mark.parametrize("path", [b"/a/../b", b"/a/%2e%2e/b", b"/a%2f..%2fb", b"/./a", b"/a/.."])
async def test_dot_segments_are_refused(
    edge: Serve, listening: Serve, heard: Any, key: str, path: Any
) -> None:
    base = await edge(await listening())
    answer = await raw(
        base, b"GET %b HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % (path, key.encode())
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not heard.heads


async def test_request_id(edge: Serve, http: httpx.AsyncClient, listening: Serve) -> None:
    base = await edge(await listening())
    assert (await http.get(base, headers={"x-request-id": "abc-1"})).headers[
        "x-request-id"
    ] == "abc-1"
    for bad in ("a b", "x" * 200, 'a"b'):
        assert (await http.get(base, headers={"x-request-id": bad})).headers["x-request-id"] != bad


async def test_answer_fields(edge: Serve, http: httpx.AsyncClient, listening: Serve) -> None:
    answer = (
        b"HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nX-B: 1\r\nSet-Cookie: b=2\r\n"
        b"Connection: X-Hop\r\n"
        b"X-Hop: 1\r\nKeep-Alive: timeout=1\r\nX-Request-Id: theirs\r\nRateLimit: theirs\r\n"
        b"Content-Encoding: br\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    base = await edge(await listening(answer))
    async with http.stream("GET", base) as got:
        body = b"".join([part async for part in got.aiter_raw()])
    assert got.status_code == 201
    assert got.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert "x-hop" not in got.headers
    assert "keep-alive" not in got.headers
    assert "theirs" not in str(got.headers)
    assert got.headers["content-encoding"] == "br"
    assert body == b"abcde"


@pytest.mark.parametrize("status", [204, 304])
async def test_no_body_statuses(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, status: Any
) -> None:
    base = await edge(await listening(b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status))
    for _ in range(2):
        assert (await http.get(base)).status_code == status
    assert heard.connections == 1


async def test_head(edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any) -> None:
    base = await edge(await listening(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"))
    for _ in range(3):
        answer = await http.head(base)
        assert (answer.headers["content-length"], answer.content) == ("500", b"")
    assert heard.connections == 1


async def test_interim_answers_are_swallowed(
    edge: Serve, http: httpx.AsyncClient, listening: Serve
) -> None:
    answer = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    base = await edge(await listening(answer))
    got = await http.post(base, content=b"x", headers={"expect": "100-continue"})
    assert (got.status_code, got.text) == (200, "ok")
    assert "link" not in got.headers
