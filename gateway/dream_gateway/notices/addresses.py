"""Where webhooks may go: no developer's URL may reach what only the gateway can reach.

Pure. A host is resolved for each attempt (`resolver`), every one of its addresses is judged, and
the connection is made to an address that was judged: a name that changes in between gains nothing.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

PORTS = {"http": 80, "https": 443}
_NAT64 = ip_network("64:ff9b::/96")
"""The well-known prefix of translated IPv4 addresses (RFC 6052 2.1): how some networks reach them."""

_LOW_32_BITS = 0xFFFF_FFFF


class Place(NamedTuple):
    """What a URL says of where it is. `host` is without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str


class ForbiddenPlaceError(Exception):
    """A URL that no webhook may be sent to; the text says why, to whoever wrote it."""


def networks(blocks: Sequence[str]) -> tuple[Network, ...]:
    """Return CIDR blocks as networks. Raises `ValueError` for what is none."""
    return tuple(ip_network(block, strict=False) for block in blocks)


def place_of(url: str, allowed: Sequence[Network]) -> Place:
    """Return where a URL is. `allowed` are private networks that may be reached, without TLS too.

    Raises `ForbiddenPlaceError` as far as that can be told without resolving its host.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise ForbiddenPlaceError("It is not a URL.") from exc
    if parts.scheme not in PORTS or not host:
        raise ForbiddenPlaceError("It is not an https URL.")
    if parts.scheme == "http" and not allowed:
        raise ForbiddenPlaceError("It must be an https URL.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ForbiddenPlaceError("It must have neither a user nor a fragment.")
    place = Place(parts.scheme, host, port or PORTS[parts.scheme], _target(parts.path, parts.query))
    written = literal(host)
    if written is not None:
        judge(place, [written], allowed)
    return place


def judge(place: Place, addresses: Sequence[Address], allowed: Sequence[Network]) -> None:
    """Raise `ForbiddenPlaceError` unless every address may be reached as the URL says.

    A public one by TLS; one in an allowed network in any way.
    """
    for address in addresses:
        if any(address in network for network in allowed):
            continue
        if not is_public(address):
            raise ForbiddenPlaceError("Its host has an address that is not public.")
        if place.scheme != "https":
            raise ForbiddenPlaceError("It must be an https URL.")


def is_public(address: Address) -> bool:
    """Tell whether an address is anybody's on the internet, and no other one in disguise."""
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & _LOW_32_BITS))
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:  # Deprecated, still in use.
        return False
    return all(is_public(inner) for inner in _inside(address))


def literal(host: str) -> Address | None:
    """Return the address that a host is written as, if it is one in the usual spelling."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _target(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")


def _inside(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address is another form of, or leads through."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return [inner for inner in found if inner is not None]
