"""Every manner of the proxy, against upstreams that write and read raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route
from dream_gateway.errors import IdentityUnavailableError, StoreUnavailableError
from dream_gateway.http1.watch import Patience

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
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
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
    assert heard.get("forwarded") == [f'for=127.0.0.1;host="127.0.0.1:{port}";proto=http']


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


async def test_credentials_elsewhere(edge: Serve, listening: Serve, heard: Any, key: str) -> None:
    options = EdgeOptions(query_parameter="key")
    base = await edge(await listening(), options=options)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert (await client.get(base, headers={"x-api-key": key})).status_code == 200
        assert heard.get("x-api-key") == []
        assert (await client.get(base + f"/?a=1&key={key}&b=2")).status_code == 200
        assert heard.heads[-1].startswith(b"GET /?a=1&b=2 ")
        mixed = {"x-api-key": key, "authorization": "Basic abc"}
        assert (await client.get(base, headers=mixed)).status_code == 200
        assert heard.get("authorization") == ["Basic abc"]
        two = {"x-api-key": key, "authorization": "Bearer ak_other"}
        assert (await client.get(base, headers=two)).status_code == 401


async def test_credential_is_kept_where_asked(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, key: str
) -> None:
    base = await edge(await listening(), keep_credential=True)
    await http.get(base)
    assert heard.get("authorization") == [f"Bearer {key}"]


async def test_an_end_users_token_and_its_publishable_key_stay_here(
    edge: Serve, listening: Serve, heard: Any, admission: Any
) -> None:
    admission.key_secret = "eyJ.of.ada"
    base = await edge(await listening())
    bearer = {"authorization": "Bearer eyJ.of.ada", "x-publishable-key": "pk_1"}
    own = {"x-clerk-token": "eyJ.of.ada", "x-publishable-key": "pk_1"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for headers in (bearer, own, {**own, "authorization": "Bearer for-the-upstream"}):
            assert (await client.get(base, headers=headers)).status_code == 200
            assert admission.beside[-1] == "pk_1"
            assert heard.get("x-publishable-key") == heard.get("x-clerk-token") == []
            assert heard.get("x-dream-customer") == ["cust-1"]
        assert heard.get("authorization") == ["Bearer for-the-upstream"]
        kept = await edge(await listening(), keep_credential=True)
        assert (await client.get(kept, headers=own)).status_code == 200
        assert heard.get("x-clerk-token") == ["eyJ.of.ada"]
        assert heard.get("x-publishable-key") == ["pk_1"]
        two = [*own.items(), ("x-clerk-token", "other")]
        assert (await client.get(base, headers=two)).status_code == 401


async def test_a_customer_key_beside_a_publishable_one_is_what_counts(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, admission: Any
) -> None:
    base = await edge(await listening())
    headers = {"x-publishable-key": "pk_1", "x-clerk-token": "eyJ"}
    assert (await http.get(base, headers=headers)).status_code == 200
    assert admission.beside[-1:] in ([], [None])
    assert heard.get("x-clerk-token") == ["eyJ"]


async def test_who_cannot_be_told_is_not_let_in_where_stores_may_fail(
    edge: Serve, listening: Serve, heard: Any, admission: Any
) -> None:
    admission.failure = IdentityUnavailableError()
    admission.warm = False
    base = await edge(await listening(), on_store_failure="open")
    headers = {"x-publishable-key": "pk_1", "authorization": "Bearer eyJ"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(base, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
    assert not heard.heads


PREFLIGHT = {
    "origin": "https://app.example.com",
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization, x-publishable-key",
}


async def test_a_preflight_passes_where_that_is_asked_for_and_nothing_else_does(
    edge: Serve, listening: Serve, heard: Any, admission: Any
) -> None:
    closed, opened = await edge(await listening()), await edge(await listening(), preflight=True)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as page:
        assert (await page.options(closed, headers=PREFLIGHT)).status_code == 401
        assert not heard.heads
        assert (await page.options(opened, headers=PREFLIGHT)).status_code == 200
        assert heard.get("origin") == ["https://app.example.com"]
        assert "ratelimit" not in (await page.options(opened, headers=PREFLIGHT)).headers
        for name in ("origin", "access-control-request-method"):
            fewer = {field: value for field, value in PREFLIGHT.items() if field != name}
            assert (await page.options(opened, headers=fewer)).status_code == 401
        assert (await page.get(opened, headers=PREFLIGHT)).status_code == 401
        assert len(heard.heads) == 2
    assert (admission.used, admission.asked) == (0, [])


async def test_refusals(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, admission: Any
) -> None:
    base = await edge(
        routes=[
            Route("/", (await listening(),), cost=400),
            Route("/admin", ("http://127.0.0.1:9",), scopes=("admin",)),
            Route("/get", ("http://127.0.0.1:9",), methods=frozenset({"GET"})),
        ]
    )
    async with httpx.AsyncClient(trust_env=False, timeout=60) as nobody:
        answer = await nobody.get(base)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "missing_credential"
    two = await http.get(base, headers={"x-api-key": "ak_test_" + "b" * 36})
    assert two.json()["code"] == "invalid_credential"
    # What admission is asked about, it counts itself.
    counted = admission.counts.take().metrics
    assert counted == {("", f"denied.{code}_credential"): 1 for code in ("missing", "invalid")}
    assert (await http.get(base, headers={"authorization": "Bearer ak_x"})).json()["code"] == (
        "invalid_credential"
    )
    assert (await http.get(base + "/admin/x")).json()["code"] == "insufficient_scope"
    wrong = await http.post(base + "/get")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert not heard.heads
    assert [(await http.get(base)).status_code for _ in range(3)] == [200, 200, 429]
    answer = await http.get(base)
    assert answer.headers["retry-after"] == "1234"
    body = answer.json()
    assert (body["usageCount"], body["limit"], body["policy"]) == (800, 1000, "quota")
    assert body["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["ratelimit"] == '"quota";r=200;t=1234'
    assert len(heard.heads) == 2
    assert admission.used == 800


async def test_cold_admission_is_awaited(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, admission: Any
) -> None:
    admission.warm = False
    base = await edge(await listening())
    assert (await http.get(base)).status_code == 200


async def test_store_failure_closed_and_open(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any, admission: Any
) -> None:
    upstream = await listening()
    admission.failure = StoreUnavailableError(retry_after=2.2)
    base = await edge(
        routes=[Route("/", (upstream,)), Route("/open", (upstream,), on_store_failure="open")]
    )
    answer = await http.get(base)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert (await http.get(base + "/open")).status_code == 200
    assert heard.get("x-dream-customer") == []
    assert heard.get("authorization") == []


async def test_admission_that_breaks_is_a_500_and_the_edge_lives(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, admission: Any
) -> None:
    base = await edge(await listening())
    admission.failure = ZeroDivisionError("secret detail")
    answer = await http.get(base)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    admission.failure = None
    assert (await http.get(base)).status_code == 200


async def test_public_route(edge: Serve, listening: Serve, heard: Any, admission: Any) -> None:
    base = await edge(await listening(), public=True)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as nobody:
        assert (await nobody.get(base, headers={"x-dream-customer": "evil"})).status_code == 200
    assert not admission.asked
    assert heard.get("x-dream-customer") == []


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


async def test_refund_where_success_is_charged(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, admission: Any
) -> None:
    base = await edge(
        routes=[
            Route(
                "/",
                (await listening(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"),),
                charge="success",
            ),
            Route("/away", ("http://127.0.0.1:1",), charge="success"),
            Route("/charged", ("http://127.0.0.1:1",)),
        ]
    )
    assert (await http.get(base)).status_code == 503
    assert (await http.get(base + "/away")).status_code == 502
    assert (admission.refunds, admission.used) == (2, 0)
    assert (await http.get(base + "/charged")).status_code == 502
    assert (admission.refunds, admission.used) == (2, 1)


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
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(20):
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
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(10):
        await done.wait()
    writer.close()


async def raw(base: str, request: bytes) -> bytes:
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


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


async def test_costs_of_plugins_and_observers(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, admission: Any
) -> None:
    class Price:
        def cost(self, *, method: Any, path: Any, headers: Any) -> Any:
            return {"/five": 5, "/negative": -3}.get(path)

    class Seen:
        def __init__(self) -> None:
            self.rows: list[Any] = []

        def observe(self, *, project: Any, customer: Any, code: Any, cost: Any) -> None:
            self.rows.append((project, customer, code, cost))

    seen = Seen()
    base = await edge(await listening(), options=EdgeOptions(costs=(Price(),), observers=(seen,)))
    for path in ("/five", "/negative", "/"):
        await http.get(base + path)
    assert [row[3] for row in seen.rows] == [5, 0, 1]
    assert seen.rows[0] == ("prj_1", "cust-1", "allowed", 5)


# A tunnel is refused by the server before it is asked of the gateway.
@pytest.mark.parametrize("line", [b"CONNECT x:443", b"OPTIONS *", b"GET /%2e%2e/"])
async def test_odd_requests_are_not_charged(
    edge: Serve, key: str, admission: Any, line: bytes
) -> None:
    base = await edge("http://127.0.0.1:1")
    answer = await raw(base, line + b" HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % key.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert admission.used == 0
