"""Cursors: where the next page starts, opaque to the caller (RFC 4648 base64url)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from dream_gateway.errors import InvalidRequestError


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


def _unknown() -> InvalidRequestError:
    fault = {"parameter": "cursor", "detail": "Expected the `nextCursor` of a page."}
    return InvalidRequestError("A query parameter is wrong.", extra={"errors": [fault]})
