"""Where people may be sent back to: addresses of allowed origins (RFC 6454), and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dream_gateway.origins import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection


def is_allowed(url: str, origins: Collection[str]) -> bool:
    """Return whether an address is of one of these origins."""
    origin = origin_of(url)
    return origin is not None and origin in {origin_of(each) for each in origins}


def with_parameters(url: str, **more: str) -> str:
    """Return an address with parameters added to its query, in the place of any of those names."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in more]
    query = urlencode([*kept, *more.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
