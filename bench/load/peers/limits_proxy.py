"""A gateway of Starlette, limits and aiohttp. `KEYS`, `LIMIT`, `STORE` and `UPSTREAM` configure it."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter
from limits.storage import storage_from_string
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CONNECTIONS = 1024


def make() -> Starlette:
    """Return the application."""
    keys = set(os.environ["KEYS"].split(","))
    upstream = os.environ["UPSTREAM"]
    limit = parse(os.environ["LIMIT"])
    limiter = FixedWindowRateLimiter(storage_from_string(os.environ["STORE"]))

    async def relay(request: Request) -> Response:
        key = request.headers.get("x-api-key", "")
        if key not in keys:
            return PlainTextResponse("No such key.", 401)
        if not await limiter.hit(limit, key):
            return PlainTextResponse("Too many requests.", 429)
        session: aiohttp.ClientSession = request.app.state.session
        body = await request.body()
        url = f"{upstream}{request.url.path}"
        async with session.request(request.method, url, data=body) as answer:
            content = await answer.read()
            return Response(content, answer.status, media_type=answer.content_type)

    return Starlette(routes=[Route("/{path:path}", relay, methods=METHODS)], lifespan=_session)


@asynccontextmanager
async def _session(app: Starlette) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        app.state.session = session
        yield
