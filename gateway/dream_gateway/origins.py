"""Web origins (RFC 6454) of addresses, read no more kindly than browsers read them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST = 2048
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Browsers take a backslash for a slash, and drop tabs and line ends.
_ODD = re.compile(r"[\x00-\x20\x7f\\]")


def origin_of(url: str) -> str | None:
    """Return the origin of an absolute web address as browsers send it (RFC 6454 6.2).

    `None` for anything else, and for what names a user or many hosts. Never raises.
    """
    if len(url) > LONGEST or _ODD.search(url) or not url.isascii():
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc or "*" in host:
        return None
    if ":" in host:
        host = f"[{host}]"
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def is_own(
    origin: str | None, fetch_site: str | None, host: str | None, own: Collection[str]
) -> bool:
    """Return whether a request comes from a page of ours, or from no page at all.

    `origin` and `fetch_site` are the fields `Origin` and `Sec-Fetch-Site`, which no page can set;
    `host` is the one the request was sent to, `own` the origins we are known by.
    """
    if fetch_site is not None and fetch_site not in {"same-origin", "none"}:
        return False
    if origin is None:
        return True
    named = origin_of(origin)
    if named is None:
        return False
    return named in own or named.partition("://")[2] == (host or "").lower()


def check_confidential(url: str, where: str) -> None:
    """Raise `ConfigurationError` unless nobody but its host hears what is sent to a URL, and answers.

    `where` is the setting it comes from.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ConfigurationError(f"{where}: not a URL.") from None
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not safe or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{where}: a URL with https (http on loopback only), without user, query and fragment."
        )
