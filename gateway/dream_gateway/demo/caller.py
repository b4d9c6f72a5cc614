"""The customer in the demo: sends requests through the gateway and reads the verdicts."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dream_gateway.errors import OperatorError

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


async def ask(base: str, path: str, key: str, customer: str, body: object) -> dict[str, object]:
    """Send `POST path` with a secret key, for a customer, and return the answer.

    Raises `OSError` if nobody answers, and `OperatorError` unless the answer is good.
    """
    return await asyncio.to_thread(_ask, base, path, key, customer, body)


def _ask(base: str, path: str, key: str, customer: str, body: object) -> dict[str, object]:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=TIMEOUT_SECONDS)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "X-User-Id": customer,
    }
    try:
        connection.request("POST", path, body=json.dumps(body), headers=headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status != 200 or not isinstance(answer, dict):
        raise OperatorError(f"The gateway answered {response.status} to POST {path} in the demo.")
    return answer


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
