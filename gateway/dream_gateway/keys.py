"""Keys: minting, parsing and digests.

A key is its kind, its mode, 30 base62 characters of entropy and 6 of checksum: CRC-32 (ISO 3309) over
everything before it, so a key that was mistyped or made up is refused without asking anything.
"""

from __future__ import annotations

import secrets
import string
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from dream_gateway.model import KeyKind, Mode

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ENTROPY_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
ID_CHARACTERS = 16
PREFIX_CHARACTERS = 8
LONGEST_IMPORTED = 256
LENGTH = PREFIX_CHARACTERS + ENTROPY_CHARACTERS + CHECKSUM_CHARACTERS


class ParsedKey(NamedTuple):
    """What a well-formed key says of itself."""

    kind: KeyKind
    mode: Mode


BEGINNINGS = {f"{kind}_": kind for kind in KeyKind}
PREFIXES = {f"{kind}_{mode}_": ParsedKey(kind, mode) for kind in KeyKind for mode in Mode}


def mint(kind: KeyKind, mode: Mode) -> str:
    """Return a new key: the only copy of its secret."""
    body = f"{kind}_{mode}_{_random(ENTROPY_CHARACTERS)}"
    return body + _checksum(body)


def mint_id(prefix: str) -> str:
    """Return a new public id, such as `prj_` and 16 base62 characters."""
    return f"{prefix}_{_random(ID_CHARACTERS)}"


def id_from(prefix: str, *names: str) -> str:
    """Return a public id that always comes out the same for the same names."""
    number = int.from_bytes(sha256("\0".join(names).encode()).digest())
    digits = []
    for _ in range(ID_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(digits)}"


def parse(text: str) -> ParsedKey | None:
    """Return what a key says of itself, or `None` for anything malformed. Never raises."""
    if len(text) != LENGTH:
        return None
    parsed = PREFIXES.get(text[:PREFIX_CHARACTERS])
    if parsed is None or not text.isascii():
        return None
    body = text[:-CHECKSUM_CHARACTERS]
    return parsed if text[-CHECKSUM_CHARACTERS:] == _checksum(body) else None


def recognise(text: str) -> KeyKind | None:
    """Return the kind of a key that another system minted. Never raises.

    It is told by its beginning, and is a customer's with any other. It is of 16 to 256 printable
    ASCII characters, and whether it is a key at all only its digest tells.
    """
    if not 16 <= len(text) <= LONGEST_IMPORTED or not text.isascii() or not text.isprintable():
        return None
    return BEGINNINGS.get(text[:3], KeyKind.CUSTOMER)


def digest(text: str) -> bytes:
    """Return the SHA-256 digest a key is stored and found by: 32 bytes."""
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def prefix_of(text: str) -> str:
    """Return the key's kind and mode, such as `sk_test_`."""
    return text[:PREFIX_CHARACTERS]


def last4_of(text: str) -> str:
    """Return the last four characters, for people to tell keys apart."""
    return text[-4:]


def _random(count: int) -> str:
    return "".join([secrets.choice(ALPHABET) for _ in range(count)])


def _checksum(body: str) -> str:
    number = crc32(body.encode("ascii"))
    digits = []
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
