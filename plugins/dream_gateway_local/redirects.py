"""Where people may be sent back to: addresses of allowed origins (RFC 6454), and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Browsers take a backslash for a slash, and drop tabs and line ends.
_ODD = re.compile(r"[\x00-\x20\x7f\\]")


def origin_of(url: str) -> str | None:
    """Return the origin of an absolute web address, `None` for anything else. Never raises."""
    if len(url) > LONGEST or _ODD.search(url) or not url.isascii():
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    if ":" in host:
        host = f"[{host}]"
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


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
