"""Header fields on their way through: which stay behind, which are ours to set (RFC 9110 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.forwarded import FORWARDING, add_forwarding

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers, Scope
    from dream_gateway.http.credentials import Found
    from dream_gateway.model import Verdict

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
"""Fields that concern one connection only, beside those that `Connection` names."""

IDENTITY_PREFIX = b"x-dream-"
CUSTOMER = b"x-dream-customer"
PLAN = b"x-dream-plan"
PROJECT = b"x-dream-project"
REQUEST_ID = b"x-request-id"

VIA = (b"via", b"1.1 dream-gateway")

_LEFT_BEHIND = (
    HOP_BY_HOP
    | FORWARDING
    | {b"host", b"content-length", b"expect", REQUEST_ID}  # said again by us, or not at all
)
_GATEWAY_ANSWERS = frozenset(
    {
        REQUEST_ID,
        b"ratelimit",
        b"ratelimit-policy",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
    }
)


def upstream_headers(
    scope: Scope, found: Found | None, verdict: Verdict | None, request_id: bytes, *, trusted: bool
) -> Headers:
    """Return a request's fields for the upstream, in their order, ours last.

    `found` is the credential to leave out, `None` to leave in whatever there is.
    """
    inbound: Headers = scope["headers"]
    named = connection_options(inbound)
    headers = [
        field
        for field in inbound
        if field[0] not in _LEFT_BEHIND and field[0] not in named and not is_ours(field[0])
    ]
    if found is not None:
        headers = [field for field in headers if not _is_credential(field, found)]
    add_identity(headers, verdict)
    add_forwarding(headers, scope, inbound, trusted=trusted)
    headers.append((REQUEST_ID, request_id))
    headers.append(VIA)
    return headers


def downstream_headers(
    status: int, headers: Headers, request_id: bytes, *, limited: bool
) -> Headers:
    """Return an answer's fields for the client: hop-by-hop ones gone, the request's id added.

    If `limited`, the gateway's own rate limit fields follow, and the upstream's would contradict.
    """
    named = connection_options(headers)
    ours = _GATEWAY_ANSWERS if limited else (REQUEST_ID,)
    kept = [
        field
        for field in headers
        if field[0] not in HOP_BY_HOP and field[0] not in named and field[0] not in ours
    ]
    if status in {204, 304} or any(field[0] == b"transfer-encoding" for field in headers):
        # No body follows, or another framing than the length: servers take the field at its word.
        kept = [field for field in kept if field[0] != b"content-length"]
    kept.append((REQUEST_ID, request_id))
    return kept


def connection_options(headers: Headers) -> frozenset[bytes]:
    """Return the lower-case names of the fields that `Connection` declares hop-by-hop."""
    named: frozenset[bytes] = frozenset()
    for name, value in headers:
        if name == b"connection":
            named |= {option.strip() for option in value.lower().split(b",")}
    return named


def is_ours(name: bytes) -> bool:
    """Tell whether only the gateway may set a field: an identity, however it is spelt.

    CGI and WSGI make `X_Dream_Customer` and `X-Dream-Customer` the same variable.
    """
    if b"_" in name:
        name = name.replace(b"_", b"-")
        return name.startswith(IDENTITY_PREFIX) or name in _LEFT_BEHIND
    return name.startswith(IDENTITY_PREFIX)


def add_identity(headers: Headers, verdict: Verdict | None) -> None:
    """Append who the customer is, as far as known."""
    if verdict is None:
        return
    if verdict.customer is not None:
        headers.append((CUSTOMER, field_value(verdict.customer.external_id)))
        headers.append((PLAN, field_value(verdict.customer.plan)))
    if verdict.project is not None:
        headers.append((PROJECT, field_value(verdict.project.id)))


def field_value(text: str) -> bytes:
    """Return text as a field value: printable ASCII as it is, the rest percent-encoded from UTF-8.

    A percent sign is always encoded, so that no two texts have the same value.
    """
    if text.isascii() and text.isprintable() and "%" not in text and text == text.strip():
        return text.encode("ascii")
    return b"".join(
        b"%c" % byte if 0x21 <= byte <= 0x7E and byte != 0x25 else b"%%%02X" % byte
        for byte in text.encode("utf-8", "replace")
    )


def _is_credential(field: tuple[bytes, bytes], found: Found) -> bool:
    return (found.in_authorization and field[0] == b"authorization") or (
        found.in_api_key and field[0] == b"x-api-key"
    )
