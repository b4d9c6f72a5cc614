"""A provider's public keys (JWKS, RFC 7517), read when they are needed and kept while they are good.

One read at a time, whoever waits. A key that is not known may be new, so that it has the set read
again, but never more often than `MIN_REFRESH_SECONDS`, whatever tokens claim. While the provider is
away, the keys that are known serve on. Times are monotonic seconds.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import jwt

from dream_gateway.errors import GatewayError, IdentityUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dream_gateway.clock import Clock

logger = logging.getLogger(__name__)

FRESH_SECONDS = 600.0
"""How long a set is used before it is read again, in the background."""

STALE_SECONDS = 86_400.0
"""How long an old set serves on while it cannot be read: past that, nobody is let in."""

MIN_REFRESH_SECONDS = 10.0
"""How long after one read, good or not, the next may begin."""

MOST_KEYS = 64
"""More keys than that are no provider's; the rest are not looked at."""

KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The type of key that an algorithm takes, by its first two letters."""


class KeySet:
    """The keys of one provider. `fetch` returns the JSON of its JWKS, or raises a `GatewayError`.

    Used from one event loop.
    """

    def __init__(self, fetch: Callable[[], Awaitable[object]], clock: Clock) -> None:
        self._fetch = fetch
        self._monotonic = clock.monotonic
        self._keys: list[dict[str, object]] = []
        self._made: dict[tuple[str | None, str], jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._tried_at = -MIN_REFRESH_SECONDS
        self._reading: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key of an id that fits an algorithm, `None` if the provider has none.

        Without an id, it is the only one that fits. Raises `IdentityUnavailableError` if the keys
        cannot be read, and what is known of them does not do.
        """
        age = self._age()
        if age is None or age >= STALE_SECONDS:
            await self._read()
        elif age >= FRESH_SECONDS and self._may_read():
            self._begin()
        found = self._find(kid, algorithm)
        if found is None and (self._reading is not None or self._may_read()):
            await self._read()
            found = self._find(kid, algorithm)
        return found

    async def aclose(self) -> None:
        """Give up what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _age(self) -> float | None:
        return None if self._read_at is None else self._monotonic() - self._read_at

    def _may_read(self) -> bool:
        return self._monotonic() - self._tried_at >= MIN_REFRESH_SECONDS

    async def _read(self) -> None:
        if self._reading is None and not self._may_read():
            raise IdentityUnavailableError(retry_after=MIN_REFRESH_SECONDS)
        # Shielded: one caller that goes away must not take the answer from the others.
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._tried_at = self._monotonic()
            self._reading = asyncio.get_running_loop().create_task(self._load())
            self._reading.add_done_callback(self._finish)
        return self._reading

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # Whoever waits gets it; a read in the background has nobody.

    async def _load(self) -> None:
        try:
            found = _usable(await self._fetch())
        except GatewayError as exc:
            logger.warning("The keys of an identity provider cannot be read: %s", exc.detail)
            raise
        self._keys, self._made, self._read_at = found, {}, self._monotonic()

    def _find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        made = self._made.get((kid, algorithm))
        if made is not None:
            return made
        fit = [key for key in self._keys if _fits(key, algorithm)]
        named = fit if kid is None else [key for key in fit if key.get("kid") == kid]
        if len(named) != 1:
            return None
        try:
            made = jwt.PyJWK(dict(named[0]), algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            return None  # Whatever it is, no signature can be verified with it.
        self._made[kid, algorithm] = made
        return made


def _usable(document: object) -> list[dict[str, object]]:
    """Return the keys of a JWKS that may verify signatures. Raises `IdentityUnavailableError`."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise IdentityUnavailableError("The identity provider's keys are no JWKS.")
    public = [key for key in keys if isinstance(key, dict) and key.get("kty") in KEY_TYPES.values()]
    return [key for key in public if key.get("use", "sig") == "sig"][:MOST_KEYS]


def _fits(key: Mapping[str, object], algorithm: str) -> bool:
    return key.get("kty") == KEY_TYPES[algorithm[:2]] and key.get("alg", algorithm) == algorithm
