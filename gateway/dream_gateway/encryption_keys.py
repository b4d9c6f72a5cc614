"""The text form of an encryption key: 32 bytes in base64 (RFC 4648), of either alphabet."""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from dream_gateway.errors import ConfigurationError

KEY_BYTES = 32
_URL_SAFE = str.maketrans("+/", "-_")


def mint_key() -> str:
    """Return a new key: the only copy of it."""
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """Return a key's 32 bytes. Raises `ConfigurationError`, which does not repeat the text."""
    bare = text.strip().rstrip("=").translate(_URL_SAFE)
    try:
        key = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or urlsafe_b64encode(key).decode().rstrip("=") != bare:
        raise ConfigurationError("An encryption key is not 32 bytes in base64.")
    return key
