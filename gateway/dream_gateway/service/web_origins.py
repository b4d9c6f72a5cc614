"""Web origins that a project may have, and the URLs that it lets people go on to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dream_gateway.origins import origin_of
from dream_gateway.service.validation import Fault, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.model import Project


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


def own_url(pages: Sequence[str], url: str | None, pointer: str) -> str:
    """Return a URL that developers are sent to: of the origins of the operator's pages, or the first.

    Raises `InvalidRequestError` for any other.
    """
    if url is None:
        return pages[0]
    if origin_of(url) not in {origin_of(page) for page in pages}:
        raise invalid([Fault(pointer, "Expected a URL of the dashboard or of the frontend_url.")])
    return url
