"""The customer in the demo: sends requests through the gateway and reads the verdicts."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0
REMAINING = re.compile(r"(?:^|;)\s*r=(\d+)")
"""The `r` parameter of the `RateLimit` field (IETF draft: RateLimit header fields for HTTP)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `code` is the refusal's, `remaining` the units left of the quota."""

    path: str
    status: int
    remaining: int | None
    retry_after: str | None
    code: str | None


async def call(base: str, path: str, key: str) -> Answer:
    """Send `GET path` with a customer key. Raises `OSError` if nobody answers."""
    return await asyncio.to_thread(_call, base, path, key)


def _call(base: str, path: str, key: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return Answer(
        path,
        response.status,
        _remaining(response.getheader("RateLimit", "")),
        response.getheader("Retry-After"),
        _code(body) if response.status >= 400 else None,
    )


def _remaining(field: str) -> int | None:
    """Return the least `r` of all the policies in a `RateLimit` field."""
    found = [int(number) for number in REMAINING.findall(field)]
    return min(found, default=None)


def _code(body: bytes) -> str | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    return problem.get("code") if isinstance(problem, dict) else None
