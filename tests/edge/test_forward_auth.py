"""`GET /authorize`, as nginx, Caddy and Traefik ask it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route

if TYPE_CHECKING:
    import httpx

Serve = Callable[..., Awaitable[str]]

AWAY = ("http://127.0.0.1:1",)


@pytest.fixture
def routes() -> Any:
    return [
        Route("/", AWAY),
        Route("/dear", AWAY, cost=7),
        Route("/admin", AWAY, scopes=("admin",)),
        Route("/get", AWAY, methods=frozenset({"GET"})),
        Route("/public", AWAY, public=True),
    ]


async def test_identity_and_limits(edge: Serve, http: httpx.AsyncClient, routes: Any) -> None:
    answer = await http.get(await edge(routes=routes) + "/authorize")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-dream-customer"] == "cust-1"
    assert answer.headers["x-dream-plan"] == "free"
    assert answer.headers["x-dream-project"] == "prj_1"
    assert answer.headers["ratelimit"] == '"quota";r=999;t=1234'


@pytest.mark.parametrize("name", ["x-forwarded-uri", "x-original-uri", "x-original-url"])
async def test_the_original_path_decides(
    edge: Serve, http: httpx.AsyncClient, routes: Any, admission: Any, name: Any
) -> None:
    url = await edge(routes=routes) + "/authorize"
    for path in ("/dear/x?y", "http://api.example/dear"):
        assert (await http.post(url, headers={name: path})).status_code == 200
    assert [row[1] for row in admission.asked] == [7, 7]
    assert (await http.get(url, headers={name: "/admin"})).status_code == 403
    assert (await http.get(url, headers={name: "/dear/../admin"})).status_code == 400
    assert (await http.get(url, headers={name: "/dear", "x-usage-cost": "0"})).status_code == 200
    assert admission.asked[-1][1] == 7


async def test_the_original_method_decides(
    edge: Serve, http: httpx.AsyncClient, routes: Any
) -> None:
    url = await edge(routes=routes) + "/authorize"
    asked = {"x-forwarded-uri": "/get", "x-forwarded-method": "POST"}
    assert (await http.get(url, headers=asked)).status_code == 405


async def test_public_needs_no_key(edge: Serve, http: httpx.AsyncClient, routes: Any) -> None:
    url = await edge(routes=routes) + "/authorize"
    http.headers.pop("authorization")
    assert (await http.get(url, headers={"x-forwarded-uri": "/public/x"})).status_code == 200
    assert (await http.get(url, headers={"x-forwarded-uri": "/"})).status_code == 401


@pytest.mark.parametrize("status", [429, 403])
async def test_past_the_limit(
    edge: Serve, http: httpx.AsyncClient, routes: Any, admission: Any, status: Any
) -> None:
    admission.limit = 1
    url = await edge(routes=routes, options=EdgeOptions(status_for_limit=status)) + "/authorize"
    assert (await http.get(url)).status_code == 200
    answer = await http.get(url)
    assert answer.status_code == status
    assert answer.json()["code"] == "quota_exceeded"
    assert answer.headers["retry-after"] == "1234"
    assert admission.used == 1


async def test_it_can_be_elsewhere_or_off(
    edge: Serve, http: httpx.AsyncClient, listening: Serve, heard: Any
) -> None:
    base = await edge(await listening(), options=EdgeOptions(forward_auth=None))
    assert (await http.get(base + "/authorize")).text == "ok"
    assert heard.heads
