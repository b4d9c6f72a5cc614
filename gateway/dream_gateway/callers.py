"""Who a connection's requests are from, for as long as they come with the same credentials.

What the cache says of them is kept between two requests, and asked for again as soon as anything at all
has changed in the records, or it is no longer fresh: a kept answer is one that the cache would give.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from dream_gateway.counter import NEVER
from dream_gateway.model import Credential, KeyKind
from dream_gateway.subjects import Subject, is_plain, refusal

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dream_gateway.lookup import Lookup
    from dream_gateway.meter import Meter


class Caller(Protocol):
    """Somebody whom requests may be charged to."""

    def find(self, now: float, clock: float) -> Subject | None:
        """Return who that is, if it is in memory; `None` says nothing about the credentials.

        `now` is seconds since the epoch, `clock` monotonic seconds. What is charged then is
        `Subject.counters`. Never blocks.
        """
        ...


class _Remembered:
    """A caller found once, until something changes."""

    __slots__ = ("_cache", "_changes", "_meter", "_subject", "_until")

    def __init__(self, lookup: Lookup, meter: Meter) -> None:
        self._cache = lookup.cache
        self._meter = meter
        self._changes = -1
        self._until = -NEVER
        self._subject: Subject | None = None

    def find(self, now: float, clock: float) -> Subject | None:
        """See `Caller`."""
        if clock < self._until and self._changes == self._cache.changes:
            subject = self._subject
        else:
            self._changes = self._cache.changes
            self._subject = subject = self._search(now)
        if subject is not None and not subject.since <= now < subject.until:
            subject.at(now, self._meter)
        return subject

    def _search(self, now: float) -> Subject | None:
        """Return the caller, and set `_until` to how long nobody needs to search again."""
        raise NotImplementedError


class KeyHolder(_Remembered):
    """The customer whose key has a digest, if the key has no conditions."""

    __slots__ = ("_digest",)

    def __init__(self, lookup: Lookup, meter: Meter, digest: bytes) -> None:
        super().__init__(lookup, meter)
        self._digest: Hashable = digest

    def _search(self, now: float) -> Subject | None:
        del now
        known = self._cache.known(self._digest)
        if known is None or not isinstance(known.value, Subject) or not known.value.plain:
            self._until = -NEVER
            return None
        self._until = known.fresh_until
        return known.value


class NamedUser(_Remembered):
    """A user as the holder of a secret key names them."""

    __slots__ = ("_key", "_user")

    def __init__(self, lookup: Lookup, meter: Meter, secret: bytes, user: str) -> None:
        super().__init__(lookup, meter)
        self._key = ("credential", sha256(secret).digest())
        self._user = user

    def _search(self, now: float) -> Subject | None:
        self._until = -NEVER
        key = self._cache.known(self._key)
        if key is None or not isinstance(key.value, Credential):
            return None
        credential = key.value
        if credential.kind is not KeyKind.SECRET or refusal(credential, now, (), None):
            return None
        user = self._cache.known(("caller", credential.project_id, self._user))
        if user is None or not isinstance(user.value, Subject) or not user.value.open:
            return None
        if is_plain(credential):
            self._until = min(key.fresh_until, user.fresh_until)
        return user.value
