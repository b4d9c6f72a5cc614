"""A gateway of FastAPI, slowapi and httpx. `KEYS`, `LIMIT`, `STORE` and `UPSTREAM` configure it."""

import os
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CONNECTIONS = 1024


def make() -> FastAPI:
    """Return the application."""
    keys = set(os.environ["KEYS"].split(","))
    client = httpx.AsyncClient(
        base_url=os.environ["UPSTREAM"], limits=httpx.Limits(max_connections=CONNECTIONS)
    )
    limiter = Limiter(key_func=_key, storage_uri=os.environ["STORE"])

    async def known(x_api_key: Annotated[str, Header()] = "") -> None:
        if x_api_key not in keys:
            raise HTTPException(401, "No such key.")

    async def relay(request: Request, path: str) -> Response:
        answer = await client.request(
            request.method,
            f"/{path}",
            params=request.query_params,
            content=await request.body(),
        )
        kind = answer.headers.get("content-type")
        return Response(answer.content, answer.status_code, media_type=kind)

    app = FastAPI(dependencies=[Depends(known)])
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _refused)
    limited = limiter.limit(os.environ["LIMIT"])(relay)
    app.add_api_route("/{path:path}", limited, methods=METHODS)
    return app


def _key(request: Request) -> str:
    key: str = request.headers["x-api-key"]
    return key


def _refused(request: Request, failure: Exception) -> Response:
    del request, failure
    return Response("Too many requests.", 429)
