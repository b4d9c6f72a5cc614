"""Who really asked: `X-Forwarded-For`, believed from trusted peers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound

_REMEMBERED = 4096


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


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
