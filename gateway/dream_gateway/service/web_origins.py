"""Web origins (RFC 6454), as browsers send them, and the URLs that a project lets people go on to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dream_gateway.service.validation import Fault, invalid

if TYPE_CHECKING:
    from dream_gateway.model import Project

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str | None:
    """Return a URL's origin (RFC 6454 6.2), `None` for what is no plain http or https URL.

    What browsers read otherwise than it looks (back slashes, spaces, a user) is not plain.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host, scheme = parts.hostname, parts.scheme
    if scheme not in _PORTS or not host or "@" in parts.netloc or "*" in host:
        return None
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port in {None, _PORTS[scheme]} else f"{scheme}://{shown}:{port}"


def is_bare(url: str) -> bool:
    """Return whether a URL has nothing behind its origin, but for a slash."""
    parts = urlsplit(url)
    return not (parts.path.strip("/") or parts.query or parts.fragment)


def allowed_url(project: Project, url: str | None, pointer: str) -> str:
    """Return a URL that people are sent to: of the project's origins; the first one if none is named.

    Raises `InvalidRequestError` for any other.
    """
    if url is None and project.origins:
        return f"{project.origins[0]}/"
    if url is None or origin_of(url) not in project.origins:
        raise invalid([Fault(pointer, "Expected a URL of one of the project's origins.")])
    return url
