"""The forwarding fields that upstreams get: `X-Forwarded-*` and `Forwarded` (RFC 7239)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound

FORWARDING = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"}
)
"""The fields that say where a request came from; set afresh, so inbound ones never pass."""

_REMEMBERED = 4096
_SECURE = {"https": b"https", "wss": b"https"}
_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]"


class Rendered:
    """Fields, and their lines as they stand in a head."""

    __slots__ = ("fields", "lines")

    def __init__(self, fields: Headers) -> None:
        self.fields = fields
        self.lines = b"".join([b"%b: %b\r\n" % field for field in fields])


class Forwarding:
    """The forwarding fields of untrusted peers, which change with the peer and the host only."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, bytes | None, str], Rendered] = {}

    def of(self, inbound: Inbound, *, trusted: bool) -> Rendered:
        """Return a request's forwarding fields; a trusted peer's are carried on and added to."""
        if trusted:
            return Rendered(_forwarding(inbound, trusted=True))
        key = (inbound.client, inbound.fields.get(b"host"), inbound.scheme)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = Rendered(_forwarding(inbound, trusted=False))
        return found


def _forwarding(inbound: Inbound, *, trusted: bool) -> Headers:
    headers: Headers = []
    fields = inbound.fields
    address = (inbound.client or "unknown").encode("latin-1", "replace")
    proto = _SECURE.get(inbound.scheme, b"http")
    host = _safe_host(fields.get(b"host"))
    chain = forwarded = b""
    if trusted:
        chain = _joined(inbound.headers, b"x-forwarded-for")
        forwarded = _joined(inbound.headers, b"forwarded")
        proto_before = fields.get(b"x-forwarded-proto")
        if proto_before in {b"http", b"https"}:
            proto = proto_before
        host = _safe_host(fields.get(b"x-forwarded-host")) or host
    headers.append((b"x-forwarded-for", chain + address))
    headers.append((b"x-forwarded-proto", proto))
    if host:
        headers.append((b"x-forwarded-host", host))
    headers.append((b"forwarded", forwarded + _element(address, proto, host)))
    return headers


def _element(address: bytes, proto: bytes, host: bytes) -> bytes:
    node = b'"[%b]"' % address if b":" in address else address
    if not host:
        return b"for=%b;proto=%b" % (node, proto)
    quoted = b'"%b"' % host if b":" in host else host
    return b"for=%b;host=%b;proto=%b" % (node, quoted, proto)


def _joined(headers: Headers, name: bytes) -> bytes:
    values = [value for key, value in headers if key == name and value]
    return b", ".join(values) + b", " if values else b""


def _safe_host(host: bytes | None) -> bytes:
    """Return a host that needs no escaping anywhere, or nothing."""
    return host if host and not host.translate(None, _HOST) else b""
