"""The operator's tokens: pure, but for the time a comparison takes, which tells nothing."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Operators:
    """Knows the operator by a bearer token; `tokens` are in plain text, as in the settings."""

    __slots__ = ("_digests",)

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = [_digest(token) for token in tokens]

    def know(self, token: str) -> bool:
        """Return whether a token is one of the operator's."""
        given = _digest(token)
        # Each is compared, so that the time tells nothing about which it is.
        return sum([compare_digest(given, known) for known in self._digests]) > 0


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
