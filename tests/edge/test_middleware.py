"""`GatewayMiddleware` in front of applications in the same process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute
from starlette.routing import WebSocketRoute
from tests.waiting import PATIENCE_SECONDS
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from dream_gateway.edge.middleware import GatewayMiddleware
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route, RouteTable

if TYPE_CHECKING:
    import httpx

Serve = Callable[..., Awaitable[str]]


class Opened:
    """What the middleware needs of a gateway."""

    def __init__(self, admission: Any, log: Any = None) -> None:
        self.admission = admission
        self.log = [] if log is None else log

    async def start(self) -> None:
        self.log.append("gateway started")

    async def close(self) -> None:
        self.log.append("gateway closed")


async def who(request: Any) -> Any:
    verdict = request.scope["dream_gateway"]
    return JSONResponse(
        {
            "customer": verdict.customer and verdict.customer.external_id,
            "state": request.state.dream_gateway is verdict,
            "field": request.headers.getlist("x-dream-customer"),
        },
        headers={"set-cookie": "a=1"},
    )


async def fail(request: Any) -> Any:
    if request.url.path == "/raise":
        raise ZeroDivisionError
    return Response(status_code=500)


async def echo(socket: Any) -> None:
    await socket.accept()
    await socket.send_text(socket.scope["dream_gateway"].customer.external_id)
    await socket.close()


def application(**settings: Any) -> Any:
    return Starlette(
        routes=[
            StarletteRoute("/", who),
            StarletteRoute("/health", who),
            StarletteRoute("/dear", who),
            StarletteRoute("/fail", fail),
            StarletteRoute("/raise", fail),
            WebSocketRoute("/ws", echo),
        ],
        **settings,
    )


@pytest.fixture
def guarded(serve: Serve, admission: Any) -> Any:
    async def start(
        app: Any = None, *, log: Any = None, lifespan: Any = "off", **settings: Any
    ) -> Any:
        wrapped = GatewayMiddleware(
            app or application(), gateway=Opened(admission, log), **settings
        )
        return await serve(wrapped, lifespan=lifespan)

    return start


async def test_admits_and_tells_the_application(guarded: Serve, http: httpx.AsyncClient) -> None:
    base = await guarded()
    answer = await http.get(base, headers={"x-dream-customer": "evil", "x_dream_customer": "evil"})
    assert answer.json() == {"customer": "cust-1", "state": True, "field": ["cust-1"]}
    assert answer.headers["ratelimit"] == '"quota";r=999;t=1234'
    assert answer.headers["set-cookie"] == "a=1"
    assert answer.headers["x-request-id"]


async def test_refuses(guarded: Serve, http: httpx.AsyncClient, admission: Any) -> None:
    admission.limit = 1
    base = await guarded()
    assert (await http.get(base)).status_code == 200
    answer = await http.get(base)
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    http.headers.pop("authorization")
    assert (await http.get(base)).status_code == 401
    assert admission.used == 1


async def test_exempt_paths(guarded: Serve, http: httpx.AsyncClient, admission: Any) -> None:
    base = await guarded(exempt=("/health",))
    http.headers.pop("authorization")
    answer = await http.get(base + "/health", headers={"x-dream-customer": "evil"})
    assert answer.json() == {"customer": None, "state": True, "field": []}
    assert (await http.get(base + "/healthy")).status_code == 401
    assert (await http.get(base + "/health/../")).status_code == 401  # merged by the client
    assert not admission.asked


async def test_routes_price(guarded: Serve, http: httpx.AsyncClient, admission: Any) -> None:
    routes = RouteTable(
        [Route("/dear", cost=5, charge="success"), Route("/fail", charge="success")]
    )
    base = await guarded(routes=routes, options=EdgeOptions(legacy_headers=True))
    assert (await http.get(base + "/dear")).headers["x-ratelimit-remaining"] == "995"
    assert (await http.get(base + "/")).status_code == 200
    assert (await http.get(base + "/fail")).status_code == 500
    assert (admission.used, admission.refunds) == (6, 1)


async def test_an_application_that_raises_is_refunded(
    guarded: Serve, http: httpx.AsyncClient, admission: Any
) -> None:
    base = await guarded(routes=RouteTable([Route("/", charge="success")]))
    assert (await http.get(base + "/raise")).status_code == 500
    assert (admission.used, admission.refunds) == (0, 1)


async def test_websockets(guarded: Serve, key: str) -> None:
    url = (await guarded()).replace("http", "ws") + "/ws"
    headers = {"x-api-key": key}
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        assert await socket.recv() == "cust-1"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, proxy=None):
            pass
    assert refused.value.response.status_code == 401


async def run_lifespan(app: Any) -> Any:
    """Play a server's lifespan and return what the application answered."""
    inbound: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    sent = []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "lifespan.startup.complete":
            inbound.put_nowait({"type": "lifespan.shutdown"})

    inbound.put_nowait({"type": "lifespan.startup"})
    async with asyncio.timeout(PATIENCE_SECONDS):
        await app({"type": "lifespan", "state": {}}, inbound.get, send)
    return sent


async def test_lifespan_goes_around_the_applications_own(admission: Any) -> None:
    log: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[Any]:
        log.append("app started")
        yield
        log.append("app closed")

    app = GatewayMiddleware(application(lifespan=lifespan), gateway=Opened(admission, log))
    assert await run_lifespan(app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert log == ["gateway started", "app started", "app closed", "gateway closed"]


@pytest.mark.parametrize("reads_first", [True, False])
async def test_lifespan_of_an_application_without_one(admission: Any, reads_first: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if reads_first:
            await receive()
        raise NotImplementedError(scope["type"])

    log: list[str] = []
    wrapped = GatewayMiddleware(app, gateway=Opened(admission, log))
    assert await run_lifespan(wrapped) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert log == ["gateway started", "gateway closed"]


async def test_lifespan_of_an_application_that_fails_to_start(admission: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    log: list[str] = []
    sent = await run_lifespan(GatewayMiddleware(app, gateway=Opened(admission, log)))
    assert sent == ["lifespan.startup.failed"]
    assert log == ["gateway started", "gateway closed"]
