"""Who is let in to an upstream, what it costs them, and who is told what instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.edge.raw import raw

from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route
from dream_gateway.errors import IdentityUnavailableError, StoreUnavailableError

Serve = Callable[..., Awaitable[str]]


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
