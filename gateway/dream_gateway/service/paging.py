"""Cursors: where the next page starts, opaque to the caller (RFC 4648 base64url)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, TypeVar

from dream_gateway.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

POSITION_DIGITS = 19
"""More would not be a position in any table."""


def encode_cursor(last_id: str) -> str:
    """Return the cursor of the page that follows an item."""
    return urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return the id of the item a page follows. Raises `InvalidRequestError` for a made-up one."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        last_id = urlsafe_b64decode(padded).decode("ascii")
    except ValueError as exc:
        raise _unknown() from exc
    if not last_id.isprintable() or encode_cursor(last_id) != cursor:
        raise _unknown()
    return last_id


def cut(found: Sequence[T], limit: int, name: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """Return a page, and the cursor of the next one if there is one.

    `found` is what was asked for with one item more than the page holds.
    """
    page = found[:limit]
    return page, encode_cursor(name(page[-1])) if len(found) > limit else None


def decode_position(cursor: str | None) -> int | None:
    """Return the position that a cursor holds. Raises `InvalidRequestError` for a made-up one."""
    text = decode_cursor(cursor)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < POSITION_DIGITS):
        raise _unknown()
    return int(text)


def _unknown() -> InvalidRequestError:
    fault = {"parameter": "cursor", "detail": "Expected the `nextCursor` of a page."}
    return InvalidRequestError("A query parameter is wrong.", extra={"errors": [fault]})
