"""Lookups through the hot cache: keys, projects, tiers and customers as the records have them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, TypeGuard

from dream_gateway import keys, metrics
from dream_gateway.cache import Cache, Loaded
from dream_gateway.counts import Counts
from dream_gateway.errors import InvalidCredentialError, TenantMismatchError
from dream_gateway.model import Credential, Customer, KeyKind, KeyStatus, Project
from dream_gateway.subjects import Subject, refusal

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dream_gateway.cache import CacheOptions, Known
    from dream_gateway.clock import Clock
    from dream_gateway.hookspecs import Identified
    from dream_gateway.metrics import Readings
    from dream_gateway.model import Tier
    from dream_gateway.source import Source
    from dream_gateway.tokens import Tokens


class Lookup:
    """Reads the records through one cache, which an `Invalidator` keeps true."""

    def __init__(
        self,
        source: Source,
        clock: Clock,
        options: CacheOptions,
        tokens: Tokens | None = None,
        *,
        counts: Counts | None = None,
    ) -> None:
        """Read from `source`. `tokens` tells whom end users' tokens name; without it, nobody.

        `counts` notes uses of keys.
        """
        self._counts = counts or Counts()
        self._now = clock.now
        self._source = source
        self._tokens = tokens
        self.cache: Cache[object] = Cache(self._load, clock, options)

    def peek_key(self, secret: str) -> Subject | None:
        """Return the caller a customer key stands for, if that is in memory. Never blocks."""
        # Only digests are kept, so a secret that anybody could read in memory is the caller's own.
        digest = sha256(secret.encode("utf-8", "surrogateescape")).digest()
        found = self.cache.peek(digest)
        return found if isinstance(found, Subject) else None

    async def key(self, secret: str) -> Subject | None:
        """Return the caller a customer key stands for, `None` if there is no such key."""
        digest = sha256(secret.encode("utf-8", "surrogateescape")).digest()
        found = await self.cache.get(digest)
        return found if isinstance(found, Subject) else None

    def peek_user(self, publishable: str, token: str) -> Subject | None:
        """Return the end user of a token beside a publishable key, if in memory. Never blocks."""
        digest = keys.digest(token)
        if self._tokens is None or self._tokens.recall(digest) is None:
            return None
        return self.cache.peek(("user", keys.digest(publishable), digest))  # type: ignore[return-value] # by its key

    async def user(self, publishable: str, token: str) -> Subject:
        """Return the end user of a token beside a publishable key, registered at the first sign-in.

        Raises `InvalidCredentialError`, `TenantMismatchError` and `IdentityUnavailableError`.
        """
        if self._tokens is None or keys.parse(publishable) is None:
            raise InvalidCredentialError
        await self._tokens.identify(token)
        found = await self.cache.get(("user", keys.digest(publishable), keys.digest(token)))
        if not isinstance(found, Subject):
            raise InvalidCredentialError
        return found

    def measure(self) -> Readings:
        """Return how the cache does."""
        return {
            metrics.CACHED.name: {(): len(self.cache)},
            metrics.CHANGES.name: {(): self.cache.changes},
            metrics.LOADS.name: {(how.value,): n for how, n in self.cache.loads.items()},
        }

    async def credential(self, digest: bytes) -> Credential | None:
        """Return the key with this digest."""
        return await self.cache.get(("credential", digest))  # type: ignore[return-value] # by its key

    async def project(self, project_id: str) -> Project | None:
        """Return a project."""
        return await self.cache.get(("project", project_id))  # type: ignore[return-value] # by its key

    async def tiers(self, project_id: str) -> dict[str, Tier]:
        """Return a project's tiers by name."""
        return await self.cache.get(("tiers", project_id)) or {}  # type: ignore[return-value] # by its key

    async def customer(self, project_id: str, ref: str) -> Customer | None:
        """Return a customer by external id or by id."""
        return await self.cache.get(("customer", project_id, ref))  # type: ignore[return-value] # by its key

    def peek_credential(self, digest: bytes) -> Credential | None:
        """Return the key with this digest, if that is in memory. Never blocks."""
        return self.cache.peek(("credential", digest))  # type: ignore[return-value] # by its key

    def peek_project(self, project_id: str) -> Project | None:
        """Return a project, if that is in memory. Never blocks."""
        return self.cache.peek(("project", project_id))  # type: ignore[return-value] # by its key

    def peek_caller(self, project_id: str, ref: str) -> Subject | None:
        """Return a customer as the caller of a request, if that is in memory. Never blocks."""
        return self.cache.peek(("caller", project_id, ref))  # type: ignore[return-value] # by its key

    async def caller(self, project_id: str, ref: str) -> Subject | None:
        """Return a customer, by external id or by id, as the caller of a request."""
        return await self.cache.get(("caller", project_id, ref))  # type: ignore[return-value] # by its key

    async def register(self, project_id: str, external_id: str, plan: str, now: float) -> Customer:
        """Return the customer of that external id, made if there is none."""
        customer = await self._source.register(project_id, external_id, plan, now)
        self.cache.invalidate(_absent(project_id, external_id))
        return customer

    async def _load(self, key: Hashable) -> Loaded[object]:
        match key:
            case ("credential", bytes() as digest):
                found = await self._source.credential(digest)
                if found is not None and found.kind is KeyKind.SECRET:
                    self._note(found)
                return Loaded(found, () if found is None else (f"credential:{found.id}",))
            case ("project", str() as project_id):
                return Loaded(await self._source.project(project_id), (f"project:{project_id}",))
            case ("tiers", str() as project_id):
                return Loaded(await self._source.tiers(project_id), (f"tier:{project_id}",))
            case ("customer", str() as project_id, str() as ref):
                return await self._load_customer(project_id, ref)
            case _:
                return await self._compose(key)

    async def _compose(self, key: Hashable) -> Loaded[object]:
        """Make the caller of a request of what the cache has."""
        match key:
            case bytes():
                return await self._load_key(key)
            case ("caller", str() as project_id, str() as ref):
                return await self._load_caller(project_id, ref, None, ())
            case ("user", bytes() as publishable, bytes() as token):
                return await self._load_user(publishable, token)
            case _:
                raise AssertionError(key)

    async def _load_customer(self, project_id: str, ref: str) -> Loaded[object]:
        found = await self._source.customer(project_id, ref)
        if found is None:
            return Loaded(None, (_absent(project_id, ref),))
        return Loaded(found, (f"customer:{found.id}",))

    async def _load_key(self, digest: bytes) -> Loaded[object]:
        credential = await self._source.credential(digest)
        if credential is None:
            return Loaded(None)
        self._note(credential)
        own = (f"credential:{credential.id}",)
        if credential.customer_id is None:
            return Loaded(None, own)
        return await self._load_caller(
            credential.project_id, credential.customer_id, credential, own
        )

    def _note(self, credential: Credential) -> None:
        """Note that a key is used, if it works.

        A key is read because a request came with it, and again once what is known of it is no longer
        fresh and the next one comes: so no warm request has to note anything.
        """
        now = self._now()
        if refusal(credential, now, (), None) != InvalidCredentialError.code:
            self._counts.used(credential.id, now)

    async def _load_user(self, publishable: bytes, token: bytes) -> Loaded[object]:
        who = None if self._tokens is None else self._tokens.recall(token)
        key = await self.cache.read(("credential", publishable))
        if who is None or not _is_publishable(key.value):
            raise InvalidCredentialError
        credential = key.value
        tenant = await self._tenant(who, credential)
        customer_id = await self._link(credential.project_id, who)
        # For as long as both keys hold; the key's scopes are not its users'.
        until = _sooner(credential.expires_at, tenant.value)
        credential = replace(credential, customer_id=customer_id, scopes=(), expires_at=until)
        loaded = await self._load_caller(credential.project_id, customer_id, credential, ())
        return replace(loaded, parts=(*loaded.parts, key, tenant))

    async def _tenant(self, who: Identified, credential: Credential) -> Known[object]:
        """Return the key a token names, if that is one of the same project and still works."""
        if keys.parse(who.tenant or "") is None:
            raise TenantMismatchError
        known = await self.cache.read(("credential", keys.digest(who.tenant or "")))
        tenant = known.value
        if not _is_publishable(tenant) or tenant.project_id != credential.project_id:
            raise TenantMismatchError
        return known

    async def _link(self, project_id: str, who: Identified) -> str:
        """Return the id of an identity's customer, who is registered at the first sign-in."""
        known = await self.cache.read(("project", project_id))
        if not isinstance(known.value, Project):
            raise InvalidCredentialError
        found = await self._source.linked(project_id, who)
        if found is None:
            found = await self._source.sign_up(project_id, who, known.value.default_tier)
            self.cache.invalidate(_absent(project_id, who.subject))
        return found

    async def _load_caller(
        self, project_id: str, ref: str, credential: Credential | None, own: tuple[str, ...]
    ) -> Loaded[object]:
        project = await self.cache.read(("project", project_id))
        if not isinstance(project.value, Project):
            return Loaded(None, own, (project,))
        customer = await self.cache.read(("customer", project_id, ref))
        if not isinstance(customer.value, Customer):
            return Loaded(None, own, (customer,))
        tiers = await self.cache.read(("tiers", project_id))
        by_name: dict[str, Tier] = tiers.value or {}  # type: ignore[assignment] # by its key
        tier = by_name.get(customer.value.plan)
        subject = Subject(project.value, customer.value, tier, credential)
        return Loaded(subject, own, (project, customer, tiers))


def _is_publishable(value: object) -> TypeGuard[Credential]:
    """Tell whether something is a publishable key that is not revoked; it may have an end."""
    return (
        isinstance(value, Credential)
        and value.kind is KeyKind.PUBLISHABLE
        and value.status is KeyStatus.ACTIVE
    )


def _sooner(until: float | None, key: object) -> float | None:
    """Return when the first of two keys expires."""
    other = key.expires_at if isinstance(key, Credential) else None
    return min((at for at in (until, other) if at is not None), default=None)


def _absent(project_id: str, ref: str) -> str:
    return f"absent:{project_id}:{ref}"
