"""`ETag` and `If-Match` (RFC 9110 8.8.3, 13.1.1): which version of a thing is meant."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import PreconditionFailedError

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers
    from dream_gateway.service.call import Call

_DIGITS = 32
"""Hexadecimal digits of an entity tag: 128 bits tell any two versions apart."""


def etag(view: msgspec.Struct) -> bytes:
    """Return the strong entity tag of a representation."""
    return b'"%s"' % sha256(msgspec.json.encode(view)).hexdigest()[:_DIGITS].encode()


def versioned(view: msgspec.Struct) -> Headers:
    """Return the field that tells a representation's version."""
    return [(b"etag", etag(view))]


def check_match(call: Call, view: msgspec.Struct) -> None:
    """Raise `PreconditionFailedError` if `If-Match` is there and does not name this version.

    Call it in the transaction that changes the thing: otherwise another may come in between.
    """
    wanted = call.fields.get(b"if-match")
    if wanted is None or wanted.strip() == b"*":
        return
    if etag(view) not in [tag.strip() for tag in wanted.split(b",")]:
        raise PreconditionFailedError
