"""Signatures of webhook messages (Standard Webhooks 1.0.0): made by who sends, and by who checks."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import digest

PREFIX = "whsec_"
SHORTEST_BYTES = 16


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return what one secret makes of a message: `v1,` and base64 of HMAC-SHA-256.

    Raises `ValueError` for what is no secret, such as a variable that was not set: anybody could sign
    with an empty one.
    """
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    if len(key) < SHORTEST_BYTES:
        raise ValueError("A webhook's secret is whsec_ and base64 of 16 bytes or more.")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(digest(key, signed, sha256)).decode()
