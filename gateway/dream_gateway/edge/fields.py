"""Header fields on their way through: which stay behind, which are ours to set (RFC 9110 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.forwarded import FORWARDING, Rendered
from dream_gateway.verdicts import Admitted

if TYPE_CHECKING:
    from dream_gateway.edge.forwarded import Forwarding
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.credentials import Found
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.model import Customer, Project, Verdict
    from dream_gateway.subjects import Subject

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
VIA_LINE = b"via: 1.1 dream-gateway\r\n"

_LEFT_BEHIND = (
    HOP_BY_HOP
    | FORWARDING
    | {b"host", b"content-length", b"expect", REQUEST_ID}  # said again by us, or not at all
)
_LEFT_BEHIND_BEARER = _LEFT_BEHIND | {b"authorization"}
_PLAIN_CONNECTIONS = frozenset({b"", b"keep-alive", b"close", b"Keep-Alive", b"Close"})
"""Values of `Connection` that name no field but such as are left behind anyway."""

_ANSWERS_LEFT_BEHIND = HOP_BY_HOP | {REQUEST_ID}
_GATEWAY_ANSWERS = _ANSWERS_LEFT_BEHIND | frozenset(
    {
        b"ratelimit",
        b"ratelimit-policy",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
    }
)


def upstream_headers(
    inbound: Inbound,
    found: Found | None,
    verdict: Verdict | None,
    request_id: bytes,
    forwarding: Forwarding,
    *,
    trusted: bool,
) -> Headers:
    """Return a request's fields for the upstream, in their order, ours last.

    `found` is the credential to leave out, `None` to leave in whatever there is.
    """
    left = _request_fields_left(inbound, found)
    headers = [
        field
        for field in inbound.headers
        if (name := field[0]) not in left
        and not name.startswith(IDENTITY_PREFIX)
        and (b"_" not in name or not is_ours(name))
    ]
    add_identity(headers, verdict)
    headers += forwarding.of(inbound, trusted=trusted).fields
    headers.append((REQUEST_ID, request_id))
    headers.append(VIA)
    return headers


def upstream_lines(
    inbound: Inbound,
    found: Found | None,
    identity: Rendered,
    request_id: bytes,
    forwarding: Rendered,
) -> bytes:
    """Return the same as the lines of a head, each ended by CRLF."""
    return b"".join(
        (
            passed_lines(inbound, found),
            identity.lines,
            forwarding.lines,
            b"x-request-id: ",
            request_id,
            b"\r\n",
            VIA_LINE,
        )
    )


def passed_lines(inbound: Inbound, found: Found | None) -> bytes:
    """Return the lines of the fields that a request brought and that go on with it."""
    left = _request_fields_left(inbound, found)
    return b"".join(
        [
            b"%b: %b\r\n" % field
            for field in inbound.headers
            if (name := field[0]) not in left
            and not name.startswith(IDENTITY_PREFIX)
            and (b"_" not in name or not is_ours(name))
        ]
    )


def _request_fields_left(inbound: Inbound, found: Found | None) -> frozenset[bytes]:
    left = _LEFT_BEHIND
    if found is not None and found.in_authorization:
        left = _LEFT_BEHIND_BEARER
    if found is not None and found.in_api_key:
        left |= {b"x-api-key"}
    if found is not None and found.publishable is not None:
        left |= {b"x-publishable-key"}
        if found.in_clerk_token:
            left |= {b"x-clerk-token"}
    if len(inbound.fields) != len(inbound.headers) or (
        inbound.fields.get(b"connection", b"") not in _PLAIN_CONNECTIONS
    ):
        left |= connection_options(inbound.headers)
    return left


def downstream_headers(
    status: int, headers: Headers, request_id: bytes, limits: Headers
) -> Headers:
    """Return an answer's fields for the client: hop-by-hop ones gone, ours added.

    Where the gateway has `limits` of its own to tell, the upstream's would contradict them.
    """
    left = _answer_fields_left(status, headers, limited=bool(limits))
    kept = [field for field in headers if field[0] not in left]
    kept.append((REQUEST_ID, request_id))
    kept += limits
    return kept


def downstream_lines(status: int, headers: Headers, request_id: bytes, limits: bytes) -> bytes:
    """Return the same as the lines of a head, each ended by CRLF; so are `limits`."""
    kept = kept_lines(status, headers, limited=bool(limits))
    return b"".join((kept, b"x-request-id: ", request_id, b"\r\n", limits))


def kept_lines(status: int, headers: Headers, *, limited: bool) -> bytes:
    """Return the lines of those fields of an answer that go on to the client."""
    left = _answer_fields_left(status, headers, limited=limited)
    return b"".join([b"%b: %b\r\n" % field for field in headers if field[0] not in left])


def _answer_fields_left(status: int, headers: Headers, *, limited: bool) -> frozenset[bytes]:
    left = _GATEWAY_ANSWERS if limited else _ANSWERS_LEFT_BEHIND
    unframed = status in {204, 304}
    for name, value in headers:
        if name == b"connection" and value not in _PLAIN_CONNECTIONS:
            left |= connection_options(headers)
        elif name == b"transfer-encoding":
            unframed = True
    if unframed:
        # No body follows, or another framing than the length: servers take the field at its word.
        left |= {b"content-length"}
    return left


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
    headers += identity_of(verdict).fields


def identity_of(verdict: Verdict | None) -> Rendered:
    """Return who a verdict is about."""
    if isinstance(verdict, Admitted):
        return identity(verdict.subject)
    if verdict is None:
        return Rendered([])
    return Rendered(_identity_fields(verdict.customer, verdict.project))


def identity(subject: Subject) -> Rendered:
    """Return who a subject is, which is rendered once."""
    found: Rendered | None = subject.identity
    if found is None:
        fields = _identity_fields(subject.customer, subject.project)
        found = subject.identity = Rendered(fields)
    return found


def _identity_fields(customer: Customer | None, project: Project | None) -> Headers:
    fields: Headers = []
    if customer is not None:
        fields.append((CUSTOMER, field_value(customer.external_id)))
        fields.append((PLAN, field_value(customer.plan)))
    if project is not None:
        fields.append((PROJECT, field_value(project.id)))
    return fields


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
