"""Who really asked: `X-Forwarded-*` and `Forwarded` (RFC 7239), believed from trusted peers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound

FORWARDING = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"}
)
"""The fields that say where a request came from; set afresh, so inbound ones never pass."""

_REMEMBERED = 4096
_SECURE = {"https": b"https", "wss": b"https"}
_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]"


class Peer(NamedTuple):
    """The caller's address (`None` if unknown), and whether its proxy's word was taken for it."""

    address: str | None
    trusted: bool


class TrustedProxies:
    """Decides whose forwarding fields are believed."""

    __slots__ = ("_known", "_networks", "_plain")

    def __init__(self, blocks: Iterable[str] = ()) -> None:
        try:
            self._networks = tuple(ip_network(block, strict=False) for block in blocks)
        except ValueError as exc:
            raise ConfigurationError("A trusted proxy is an address or a CIDR block.") from exc
        self._known: dict[str, bool] = {}
        self._plain: dict[str | None, Peer] = {}

    def peer(self, inbound: Inbound) -> Peer:
        """Return who asked: the peer, or from a trusted one the last untrusted hop before it."""
        address = inbound.client
        if not self._networks:
            return self._plain.get(address) or self._remember(address)
        if address is None or not self._trusts(address):
            return Peer(address, trusted=False)
        return Peer(self._last_untrusted(inbound.headers, address), trusted=True)

    def _remember(self, address: str | None) -> Peer:
        if len(self._plain) >= _REMEMBERED:
            self._plain.clear()
        peer = self._plain[address] = Peer(address, trusted=False)
        return peer

    def _last_untrusted(self, headers: Headers, nearest: str) -> str:
        hops = b",".join([v for k, v in headers if k == b"x-forwarded-for"]).decode("latin-1")
        for hop in reversed(hops.split(",")):
            address = _parse(hop.strip())
            if address is None:
                return nearest  # nothing beyond a hop that cannot be read can be believed
            nearest = str(address)
            if not self._trusts(nearest):
                return nearest
        return nearest

    def _trusts(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            parsed = _parse(address)
            known = parsed is not None and any(parsed in network for network in self._networks)
            self._known[address] = known
        return known


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


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
