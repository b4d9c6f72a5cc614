"""Whom tokens name: verified once, then remembered by their digests for as long as they hold.

A token is a secret until it expires, so that only its digest is kept.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.hookspecs import Identified, Identity

logger = logging.getLogger(__name__)

ENDLESS_SECONDS = 60.0
"""How long a token is remembered that does not say when it expires."""

LONGEST_TOKEN = 16_384
"""Characters: no longer token is looked at."""


class Tokens:
    """Asks each identity in turn; the first that knows a token wins. Used from one event loop.

    Bounded by `size`: the token that was verified longest ago goes first, and once it expired anyway.
    """

    def __init__(self, identities: Sequence[Identity], clock: Clock, size: int) -> None:
        self._identities = tuple(identities)
        self._clock = clock
        self._size = size
        self._known: dict[bytes, tuple[Identified, float]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, digest: bytes) -> Identified | None:
        """Return whom a token with this digest names, if that is known. Never blocks."""
        known = self._known.get(digest)
        return None if known is None or self._clock.now() >= known[1] else known[0]

    async def identify(self, token: str) -> Identified:
        """Return whom a token names.

        Raises `InvalidCredentialError`, and `IdentityUnavailableError` if nobody can tell right now.
        """
        digest = keys.digest(token)
        known = self.recall(digest)
        if known is not None:
            return known
        self._known.pop(digest, None)
        found = await self._verify(token)
        self._keep(digest, found)
        return found

    async def _verify(self, token: str) -> Identified:
        if len(token) <= LONGEST_TOKEN:
            for identity in self._identities:
                found = await identity.verify(token)
                if found is not None:
                    return found
        logger.info(
            "Refused a token: %s",
            "no plugin knows it" if self._identities else "no plugin verifies tokens",
        )
        raise InvalidCredentialError

    def _keep(self, digest: bytes, found: Identified) -> None:
        now = self._clock.now()
        while self._known:
            oldest = next(iter(self._known))
            if len(self._known) < self._size and now < self._known[oldest][1]:
                break
            del self._known[oldest]
        expires = found.expires_at
        self._known[digest] = (found, now + ENDLESS_SECONDS if expires is None else expires)
