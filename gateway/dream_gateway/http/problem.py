"""Refusals and failures as problem details (RFC 9457), with the fields that go beside them."""

from __future__ import annotations

import re
from math import ceil, isfinite
from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import (
    CustomerSuspendedError,
    GatewayError,
    InsufficientScopeError,
    InvalidCredentialError,
    IpDeniedError,
    MissingCredentialError,
    PlatformSuspendedError,
    QuotaExceededError,
    RateLimitedError,
    ShuttingDownError,
    StoreUnavailableError,
    TenantMismatchError,
    UnknownTierError,
)
from dream_gateway.http.reply import Reply
from dream_gateway.redaction import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.http.asgi import Headers
    from dream_gateway.model import Verdict

TYPE_PREFIX = "urn:dream-gateway:error:"
"""What a problem's `type` begins with; the rest is the error's code."""

CONTENT_TYPE = b"application/problem+json"
CHALLENGE = b'Bearer realm="api"'
_BEGINNING = re.compile(rb'\{"type":"%b(\w+)"' % TYPE_PREFIX.encode())
"""How `problem` begins: a body that is not all there can be read, too."""

SHORTEST_WAIT = 1
"""Seconds: what `Retry-After` says at least, where it is due and nothing better is known."""

_REFUSALS: Mapping[str, type[GatewayError]] = {
    error.code: error
    for error in (
        MissingCredentialError,
        InvalidCredentialError,
        InsufficientScopeError,
        IpDeniedError,
        PlatformSuspendedError,
        CustomerSuspendedError,
        TenantMismatchError,
        UnknownTierError,
        QuotaExceededError,
        RateLimitedError,
        StoreUnavailableError,
        ShuttingDownError,
    )
}


def problem(error: GatewayError, *, instance: str = "", request_id: str = "") -> Reply:
    """Return the answer for an error; the text is the error's public one, and nothing else."""
    members: dict[str, object] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if instance:
        # Whoever put a key into a path does not get it back, for it to be logged once more.
        members["instance"] = shown_path(instance)
    members["code"] = error.code
    if request_id:
        members["requestId"] = request_id
    members["error"] = error.code
    members["message"] = error.detail
    members.update({k: v for k, v in error.extra.items() if k not in members})
    body = msgspec.json.encode(members)
    return Reply(error.status, _headers(error, body, request_id), body)


def code_of(body: bytes) -> str | None:
    """Return the code that a problem of ours, or its beginning, tells; `None` of any other body."""
    found = _BEGINNING.match(body)
    return None if found is None else found[1].decode()


def refusal(verdict: Verdict) -> GatewayError:
    """Return the error that a denied verdict stands for."""
    kind = _REFUSALS.get(verdict.code, GatewayError)
    extra: dict[str, object] = {}
    wait = verdict.retry_after
    if verdict.violated is not None:
        extra["policy"] = verdict.violated.name
        # A rate lets the same request pass long before its bucket is full; a quota only starts again.
        if wait is None or kind is QuotaExceededError:
            wait = max(wait or 0.0, verdict.violated.reset)
    if kind is QuotaExceededError and verdict.usage is not None:
        extra["usageCount"] = verdict.usage.used
        extra["limit"] = verdict.usage.limit
    return kind(retry_after=wait, extra=extra)


def _headers(error: GatewayError, body: bytes, request_id: str) -> Headers:
    headers: Headers = [
        (b"content-type", CONTENT_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if error.status == 401:
        headers.append((b"www-authenticate", _challenge(error)))
    if error.status in {429, 503} or error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % _whole_seconds(error.retry_after)))
    if request_id:
        headers.append((b"x-request-id", request_id.encode("latin-1", "replace")))
    headers.extend((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in error.headers)
    return headers


def _challenge(error: GatewayError) -> bytes:
    """Return the challenge; RFC 6750 wants no error code where there was no credential at all."""
    if isinstance(error, MissingCredentialError):
        return CHALLENGE
    return CHALLENGE + b', error="invalid_token"'


def _whole_seconds(wait: float | None) -> int:
    if wait is None or not isfinite(wait):
        return SHORTEST_WAIT
    return max(SHORTEST_WAIT, ceil(wait))
