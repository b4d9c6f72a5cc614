"""Opaque secrets: 256 random bits, of which only the SHA-256 digest is stored."""

from __future__ import annotations

import secrets
from hashlib import sha256

BYTES = 32
CHARACTERS = 43
"""Of 32 bytes in unpadded base64."""


def mint() -> str:
    """Return a new secret: the only copy of it."""
    return secrets.token_urlsafe(BYTES)


def digest(secret: str) -> bytes:
    """Return what a secret is stored and found by."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()
