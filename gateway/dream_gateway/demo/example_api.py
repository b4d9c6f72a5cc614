"""The example API behind the gateway in the demo: a made-up weather forecast, in plain ASGI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SKIES = ("sunny", "cloudy", "windy", "rainy")
COLDEST = -5
DEGREES = 35
IDENTITY = (b"x-dream-customer", b"x-dream-plan")
"""The headers by which the gateway tells an API whose request it is."""


async def example_api(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer `GET /forecast?city=NAME`, and everything else with 404."""
    await receive()
    if scope["path"] != "/forecast":
        await _answer(send, 404, {"error": "not_found", "try": "/forecast?city=Lisbon"})
        return
    query = parse_qs(scope["query_string"].decode("ascii", "replace"))
    city = query.get("city", ["Lisbon"])[0]
    await _answer(send, 200, forecast(city) | _caller(scope["headers"]))


def forecast(city: str) -> dict[str, object]:
    """Return the forecast of a city: always the same for the same name."""
    number = crc32(city.encode())
    sky = SKIES[number % len(SKIES)]
    return {"city": city, "sky": sky, "celsius": COLDEST + number // len(SKIES) % DEGREES}


def _caller(headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    told = dict(headers)
    customer, plan = (told.get(name, b"").decode("ascii", "replace") for name in IDENTITY)
    return {"customer": customer, "plan": plan}


async def _answer(
    send: Callable[[dict[str, Any]], Awaitable[None]], status: int, content: dict[str, object]
) -> None:
    body = json.dumps(content).encode() + b"\n"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
