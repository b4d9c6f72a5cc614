"""Seals secrets that have to be read again, so that the records alone give none of them away.

AES-256-GCM (NIST SP 800-38D). A sealed value is a version byte, the key's id (8 bytes), a random
nonce (12 bytes), the ciphertext and its tag (16 bytes). Version, id and context are authenticated
with it, so a value cannot be moved to another row or another column.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dream_gateway.encryption_keys import parse_key
from dream_gateway.errors import ConfigurationError, EncryptionKeyMissingError, SealBrokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 12
TAG_BYTES = 16
HEAD_BYTES = len(VERSION) + KEY_ID_BYTES
SHORTEST = HEAD_BYTES + NONCE_BYTES + TAG_BYTES


class Vault:
    """Seals with the first of its keys, and opens what any of them sealed.

    `keys` are as the setting `encryption_keys` has them, the newest first. Raises
    `ConfigurationError` for one that is not a key. Safe to share between tasks; never blocks.
    """

    __slots__ = ("_ciphers", "_newest")

    def __init__(self, keys: Sequence[str]) -> None:
        raw = [parse_key(key) for key in keys]
        self._ciphers = {_key_id(key): AESGCM(key) for key in raw}
        self._newest = _key_id(raw[0]) if raw else None

    @property
    def is_usable(self) -> bool:
        """Whether there is a key to seal with."""
        return self._newest is not None

    @property
    def newest_id(self) -> str | None:
        """The id of the key that seals, in hexadecimal; `None` if there is none."""
        return None if self._newest is None else self._newest.hex()

    def has(self, key_id: str) -> bool:
        """Return whether a key of this id, in hexadecimal, is among them."""
        return any(each.hex() == key_id for each in self._ciphers)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Return the plaintext sealed for a context, such as `stripe_tokens.refresh_token:prj_1`.

        Equal plaintexts give different results. Raises `ConfigurationError` if there is no key.
        """
        if self._newest is None:
            raise ConfigurationError(
                "A secret is to be stored, and there is no key to seal it with: set "
                "encryption_keys (dream-gateway secrets key makes one)."
            )
        head = VERSION + self._newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = self._ciphers[self._newest]
        return head + nonce + cipher.encrypt(nonce, plaintext, head + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed for this context.

        Raises `EncryptionKeyMissingError` if none of the keys sealed it, and `SealBrokenError` for what
        was changed, cut, sealed for another context, or never sealed at all.
        """
        head, nonce = sealed[:HEAD_BYTES], sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        if len(sealed) < SHORTEST or not sealed.startswith(VERSION):
            raise SealBrokenError
        cipher = self._ciphers.get(head[len(VERSION) :])
        if cipher is None:
            raise EncryptionKeyMissingError(
                f"A secret is sealed with the key {key_id_of(sealed)}, which is not in "
                "encryption_keys: put that key back, behind the newest."
            )
        try:
            return cipher.decrypt(
                nonce, sealed[HEAD_BYTES + NONCE_BYTES :], head + context.encode()
            )
        except InvalidTag as exc:
            raise SealBrokenError from exc

    def is_current(self, sealed: bytes) -> bool:
        """Return whether a value names the newest key as the one that sealed it."""
        return self._newest is not None and sealed.startswith(VERSION + self._newest)


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that sealed a value, in hexadecimal. It tells nothing of the key."""
    return sealed[len(VERSION) : HEAD_BYTES].hex()


def _key_id(key: bytes) -> bytes:
    return sha256(b"dream-gateway encryption key\0" + key).digest()[:KEY_ID_BYTES]
