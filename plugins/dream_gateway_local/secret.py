"""Opaque secrets: 256 random bits, of which only the SHA-256 digest is stored."""

from __future__ import annotations

import secrets
from hashlib import sha256

BYTES = 32


def mint() -> str:
    """Return a new secret: the only copy of it."""
    return secrets.token_urlsafe(BYTES)


def mint_id(prefix: str) -> str:
    """Return a new public id, such as `usr_` and 24 hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(12)}"


def digest(secret: str) -> bytes:
    """Return what a secret is stored and found by."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()
