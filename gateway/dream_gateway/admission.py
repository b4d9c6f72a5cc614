"""Admission: credential -> project -> customer -> tier -> counters => verdict.

A warm call is decided from memory: one digest, one cache entry, and the leases in hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.callers import KeyHolder, NamedUser
from dream_gateway.counts import Counts
from dream_gateway.errors import (
    CustomerSuspendedError,
    InvalidCredentialError,
    PlatformSuspendedError,
    StoreUnavailableError,
    TenantMismatchError,
    UnknownTierError,
)
from dream_gateway.model import Credential, Customer, KeyKind, Verdict
from dream_gateway.named_users import NamedUsers
from dream_gateway.storage import Quota
from dream_gateway.subjects import Subject, refusal, templates
from dream_gateway.usage_events import UsageEvents
from dream_gateway.verdicts import Admitted, refused, short_of, usage, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.callers import Caller
    from dream_gateway.clock import Clock
    from dream_gateway.lookup import Lookup
    from dream_gateway.meter import Meter
    from dream_gateway.model import Project, Tier, Usage
    from dream_gateway.storage import Ledger


class Admission:
    """Decides who may pass, and charges for it. Used from one event loop.

    A refusal is a verdict; a store that is away raises `StoreUnavailableError`.
    """

    def __init__(
        self,
        lookup: Lookup,
        meter: Meter,
        ledger: Ledger,
        clock: Clock,
        *,
        imported_keys: bool = False,
        counts: Counts | None = None,
    ) -> None:
        """Decide by these; with `imported_keys`, keys of other shapes than our own are looked up."""
        self.counts = counts or Counts()
        """What is counted beside what the meter counts."""
        self._imported_keys = imported_keys
        self._lookup = lookup
        self._meter = meter
        self._ledger = ledger
        self._clock = clock
        self.users = NamedUsers(lookup, meter, clock)
        """Users as the holder of a secret key names them."""
        self.events = UsageEvents(self.users, meter, ledger, clock, self.counts)
        """Usage events with an idempotency key."""
        self.now = clock.now
        """Return the time it decides by, in seconds since the epoch."""
        self.monotonic = clock.monotonic
        """Return the seconds that leases are spent by."""
        self.try_spend = meter.try_spend
        """Charge counters from leases in hand: see `Meter.try_spend`."""
        self.enqueue = meter.enqueue
        """Charge counters once there are leases: see `Meter.enqueue`."""

    def by_key(self, digest: bytes) -> Caller:
        """Return whoever holds the customer key of this digest, as long as it has no conditions."""
        return KeyHolder(self._lookup, self._meter, digest)

    def by_name(self, secret: bytes, user: str) -> Caller:
        """Return a user as named by the holder of this secret key."""
        return NamedUser(self._lookup, self._meter, secret, user)

    def try_key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        project: str | None = None,
        publishable: str | None = None,
    ) -> Verdict | None:
        """Admit by a customer key from memory alone, as `key` does; `None` when that takes a store.

        Never blocks.
        """
        if publishable is None:
            subject = self._lookup.peek_key(secret)
        else:
            subject = self._lookup.peek_user(publishable, secret)
        if subject is None or subject.credential is None or not subject.open:
            return None
        if project is not None and subject.project.id != project:
            return None
        now = self._clock.now()
        if refusal(subject.credential, now, scopes, ip):
            return None
        counters = subject.at(now, self._meter)
        if not self._meter.try_spend(counters, cost, self._clock.monotonic()):
            return None
        if cost != 1:
            self.counts.weighed(subject, cost)
        return Admitted(subject, cost, now)

    async def key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        project: str | None = None,
        publishable: str | None = None,
    ) -> Verdict:
        """Admit by a customer key (`ak_`). A bad key is a verdict (`invalid_credential`), too.

        If `project` is given, a key of another project is as bad as one that is none. Beside a
        `publishable` key, the secret is an end user's token; raises `IdentityUnavailableError` if
        nobody can tell right now whose it is.
        """
        try:
            subject = await self._holder(secret, publishable)
        except (InvalidCredentialError, TenantMismatchError) as exc:
            return self._unknown(exc.code, cost)
        except StoreUnavailableError as exc:
            self.counts.denied(exc.code)
            raise
        if subject is None or subject.credential is None:
            return self._unknown(InvalidCredentialError.code, cost)
        if project is not None and subject.project.id != project:
            return self._unknown(InvalidCredentialError.code, cost)
        code = refusal(subject.credential, self._clock.now(), scopes, ip)
        if code:
            self.counts.denied(code, subject.project.id, subject.customer.id)
        if code == InvalidCredentialError.code:
            return Verdict(False, code, cost)
        if code:
            return Verdict(False, code, cost, subject.credential, subject.project, subject.customer)
        found = await self._charge(subject, cost)
        if cost == 0 and found.allowed:
            self.counts.weighed(subject, 0)
        return found

    def _unknown(self, code: str, cost: int) -> Verdict:
        """Return the verdict on somebody who is nobody's customer."""
        self.counts.denied(code)
        return Verdict(False, code, cost)

    async def _holder(self, secret: str, publishable: str | None) -> Subject | None:
        """Return whom a customer key, or a token beside a publishable key, stands for."""
        if publishable is not None:
            return await self._lookup.user(publishable, secret)
        if self._kind(secret) is not KeyKind.CUSTOMER:
            return None
        return await self._lookup.key(secret)

    def try_user(self, publishable: str, token: str) -> Subject | None:
        """Resolve an end user's token from memory; `None` says nothing about it. Never blocks."""
        subject = self._lookup.peek_user(publishable, token)
        if subject is None or subject.credential is None or subject.project.suspended:
            return None
        return None if refusal(subject.credential, self._clock.now(), (), None) else subject

    async def user(self, publishable: str, token: str) -> Subject:
        """Resolve an end user's token beside a publishable key; the user is registered at first.

        Raises `InvalidCredentialError`, `TenantMismatchError`, `PlatformSuspendedError`, and
        `IdentityUnavailableError`.
        """
        subject = await self._lookup.user(publishable, token)
        if subject.credential is None or refusal(subject.credential, self._clock.now(), (), None):
            raise InvalidCredentialError
        if subject.project.suspended:
            raise PlatformSuspendedError
        return subject

    async def project_of(
        self, secret: str, kinds: frozenset[KeyKind]
    ) -> tuple[Credential, Project]:
        """Resolve a secret or publishable key.

        Raises `InvalidCredentialError` for any other, `PlatformSuspendedError` where it applies.
        """
        kind = self._kind(secret)
        if kind not in kinds:
            raise InvalidCredentialError
        credential = await self._lookup.credential(keys.digest(secret))
        if credential is None or credential.kind is not kind:
            raise InvalidCredentialError
        if refusal(credential, self._clock.now(), (), None):
            raise InvalidCredentialError
        project = await self._lookup.project(credential.project_id)
        if project is None:
            raise InvalidCredentialError
        if project.suspended:
            raise PlatformSuspendedError
        return credential, project

    def _kind(self, secret: str) -> KeyKind | None:
        """Return what a key says it is, `None` for what cannot be a key: that costs no lookup."""
        parsed = keys.parse(secret)
        if parsed is not None:
            return parsed.kind
        return keys.recognise(secret) if self._imported_keys else None

    def try_project(self, secret: str) -> tuple[Credential, Project] | None:
        """Resolve a secret key from memory; `None` says nothing about it. Never blocks."""
        credential = self._lookup.peek_credential(keys.digest(secret))
        if credential is None or credential.kind is not KeyKind.SECRET:
            return None
        project = self._lookup.peek_project(credential.project_id)
        if project is None or project.suspended:
            return None
        return None if refusal(credential, self._clock.now(), (), None) else (credential, project)

    def try_track(self, project: Project, user: str, cost: int) -> Admitted | None:
        """Charge a named user from memory alone; `None` when that takes a store. Never blocks."""
        subject = self._lookup.peek_caller(project.id, user)
        if subject is None or not subject.open or cost == 0:
            return None
        now = self._clock.now()
        counters = subject.at(now, self._meter)
        if not self._meter.try_spend(counters, cost, self._clock.monotonic()):
            return None
        if cost != 1:
            self.counts.weighed(subject, cost)
        return Admitted(subject, cost, now)

    async def track(self, project: Project, user: str, cost: int, plan: str | None) -> Verdict:
        """Charge a named user, who is registered on first use; cost 0 peeks."""
        return await self._charge(await self.users.subject(project, user, plan, cost), cost)

    async def usage(self, project: Project, user: str) -> Verdict:
        """Tell a user's usage from the ledger, charging nothing and registering nobody."""
        return await self._peek(await self.users.subject(project, user, None, 0))

    async def usages(
        self, project: Project, offered: Mapping[str, Tier], people: Sequence[Customer]
    ) -> list[Usage | None]:
        """Tell the usage of many customers at once, from the ledger; `offered` are tiers by name.

        `None` is of one whose tier has no quota. What requests are charged to stays as it is: these
        tiers may be older than the ones it goes by.
        """
        now = self._clock.now()
        subjects = [Subject(project, each, offered.get(each.plan), None) for each in people]
        quotas = []
        for subject in subjects:
            subject.quota = next((c for c in templates(subject, now) if c.name == "quota"), None)
            if subject.quota is not None:
                quotas.append(subject.quota)
        tallies = await self._ledger.usage([quota.key for quota in quotas])
        for quota, tally in zip(quotas, tallies, strict=True):
            live = self._meter.known(quota.key)
            quota.total = tally.used + tally.out - (0 if live is None else live.unspent())
        return [usage(subject) for subject in subjects]

    def refund(self, verdict: Verdict) -> None:
        """Give an admitted request's quota units back (its rate units stay spent); once at most."""
        counters, verdict.receipt = verdict.receipt, None
        if isinstance(counters, tuple):
            quotas = [c for c in counters if isinstance(c.rule, Quota)]
            self._meter.refund(quotas, verdict.cost)
            if quotas and verdict.project is not None:
                self.counts.refunded(verdict.project.id, verdict.cost)

    async def _charge(self, subject: Subject, cost: int) -> Verdict:
        now = self._clock.now()
        owner = subject.project.id, subject.customer.id
        code = _standing(subject)
        if code:
            self.counts.denied(code, *owner)
            return refused(subject, code, cost)
        counters = subject.at(now, self._meter)
        if cost == 0:
            return await self._peek(subject)
        try:
            denial = await self._meter.spend(counters, cost)
        except StoreUnavailableError as exc:
            self.counts.denied(exc.code, *owner)
            raise
        if denial is None:
            if cost != 1:
                self.counts.weighed(subject, cost)
            return Admitted(subject, cost, now)
        code = short_of(denial.counter)
        self.counts.denied(code, *owner)
        return verdict(subject, code, cost, now, denial=denial)

    async def _peek(self, subject: Subject) -> Verdict:
        now = self._clock.now()
        code = _standing(subject)
        # What a suspended customer has used may be told: that lets nobody pass.
        if code and code != CustomerSuspendedError.code:
            return refused(subject, code, 0)
        counters = subject.at(now, self._meter)
        tallies = await self._ledger.usage([c.key for c in counters])
        for counter, tally in zip(counters, tallies, strict=True):
            counter.observe(tally)
        return verdict(subject, "allowed", 0, now)


def _standing(subject: Subject) -> str:
    """Return the code that keeps this customer out whatever they have left; empty if they may pass."""
    if subject.project.suspended:
        return PlatformSuspendedError.code
    if subject.tier is None:
        return UnknownTierError.code
    return CustomerSuspendedError.code if subject.customer.suspended else ""
