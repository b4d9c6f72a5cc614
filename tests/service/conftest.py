"""The service over HTTP without a socket, on the reference ledger.

Admission and records are stand-ins that keep their contracts in a few lines: what is tested here is
what callers send and see. The promises of admission and records are tested with those.
"""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from dream_gateway.errors import (
    ConflictError,
    IdempotencyConflictError,
    InvalidCredentialError,
    NotFoundError,
    VoidExceedsError,
)
from dream_gateway.gcra import Rate
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.model import (
    Allowance,
    AllowanceKind,
    Credential,
    Customer,
    Interval,
    KeyKind,
    KeyStatus,
    Mode,
    Period,
    PolicyState,
    Project,
    Tier,
    Usage,
    Verdict,
)
from dream_gateway.plugins import Plugins
from dream_gateway.service.app import Service, create_service
from dream_gateway.service.directory import MintedKey
from dream_gateway.settings import Settings
from dream_gateway.storage import Charge, Claim, Event, Outcome, Quota, Return, Void
from dream_gateway.testing.clock import EPOCH, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway.admission import TrackedEvent
    from dream_gateway.hookspecs import Identity
    from dream_gateway.service.directory import CustomerDraft, KeyDraft, Remembered
    from dream_gateway.service.host import Host
    from dream_gateway.storage import Recorded

QUOTA, RATE = AllowanceKind.QUOTA, AllowanceKind.RATE
MONTH = Period(int(EPOCH), int(EPOCH) + 30 * 86_400)
TIERS = (
    Tier("free", (Allowance(QUOTA, 10, Interval.MONTH),), display_name="Free"),
    Tier("pro", (Allowance(QUOTA, None, Interval.MONTH),), price=1999, features=("a", "b")),
    Tier("big", (Allowance(QUOTA, 100_000, Interval.MONTH),), popular=True, trial_days=14),
    Tier("slow", (Allowance(RATE, 2, Interval.HOUR, burst=2),)),
)
HOUR_US = 3_600_000_000


@dataclass
class StandInRecords:
    """Everything in dictionaries; a write that raises is undone."""

    clock: FakeClock
    made: dict[str, Customer] = field(default_factory=dict)
    minted: dict[str, Credential] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    kept: dict[tuple[str, str], Remembered] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    actors: list[str] = field(default_factory=list)
    failure: Exception | None = None
    ids: Any = field(default_factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[StandInRecords]:
        if self.failure is not None:
            raise self.failure
        yield self

    @asynccontextmanager
    async def write(self, actor: str) -> AsyncIterator[StandInRecords]:
        before = [dict(d) for d in (self.made, self.minted, self.secrets, self.kept)]
        try:
            async with self.read():
                yield self
        except BaseException:
            self.made, self.minted, self.secrets, self.kept = before  # type: ignore[assignment] # in order
            raise
        self.actors.append(actor)

    async def customer(self, project: str, customer: str) -> Customer | None:
        found = self.made.get(customer)
        return found if found is not None and found.project_id == project else None

    async def customer_named(self, project: str, external_id: str) -> Customer | None:
        named = (
            c for c in self.made.values() if (c.project_id, c.external_id) == (project, external_id)
        )
        return next(named, None)

    async def customers(self, project: str, after: str | None, limit: int) -> list[Customer]:
        own = [c for c in self.made.values() if c.project_id == project]
        return own[_from(own, after) :][:limit]

    async def key(self, project: str, key: str) -> Credential | None:
        found = self.minted.get(key)
        mine = found is not None and found.project_id == project
        return found if found is not None and mine and found.kind is KeyKind.CUSTOMER else None

    async def keys(
        self, project: str, customer: str, after: str | None, limit: int
    ) -> list[Credential]:
        own = [
            k for k in self.minted.values() if (k.project_id, k.customer_id) == (project, customer)
        ]
        return own[_from(own, after) :][:limit]

    async def tiers(self, project: str) -> list[Tier]:
        return list(TIERS)

    async def publishable_key(self, project: str) -> str | None:
        return f"pk_test_{project}"

    async def remembered(self, project: str, key: str) -> Remembered | None:
        return self.kept.get((project, key))

    async def add_customer(self, project: Project, draft: CustomerDraft) -> Customer:
        customer_id = f"cus_{next(self.ids):04}"
        external_id = draft.external_id or customer_id
        if await self.customer_named(project.id, external_id):
            raise ConflictError("There is a customer of that externalId.")
        customer = Customer(
            customer_id,
            project.id,
            external_id,
            draft.plan or project.default_tier,
            self.clock.now(),
            self.clock.now(),
            draft.email,
            draft.first_name,
            draft.last_name,
            draft.metadata,
        )
        self.made[customer_id] = customer
        return customer

    async def change_customer(self, customer: Customer) -> None:
        self.made[customer.id] = customer

    async def delete_customer(self, customer: Customer) -> None:
        del self.made[customer.id]
        for key in [k for k in self.minted.values() if k.customer_id == customer.id]:
            await self.revoke_key(key)

    async def add_key(self, customer: Customer, draft: KeyDraft) -> MintedKey:
        return self.mint(KeyKind.CUSTOMER, customer.project_id, customer.id, draft._asdict())

    async def change_key(self, key: Credential) -> None:
        self.minted[key.id] = key

    async def revoke_key(self, key: Credential) -> None:
        self.minted[key.id] = replace(key, status=KeyStatus.REVOKED)

    async def rotate_key(self, key: Credential, grace_seconds: int) -> MintedKey:
        secret = f"ak_test_{next(self.ids):036}"
        if not grace_seconds:
            self.secrets = {s: k for s, k in self.secrets.items() if k != key.id}
        self.secrets[secret] = key.id
        self.minted[key.id] = replace(key, last4=secret[-4:])
        return MintedKey(self.minted[key.id], secret)

    async def remember(self, project: str, key: str, result: Remembered) -> None:
        self.kept[(project, key)] = result

    def mint(
        self, kind: KeyKind, project: str, customer: str | None, more: dict[str, Any]
    ) -> MintedKey:
        number = next(self.ids)
        secret = f"{kind.value}_test_{number:036}"
        key = Credential(
            id=f"key_{number:04}",
            kind=kind,
            project_id=project,
            prefix=f"{kind.value}_test_",
            last4=secret[-4:],
            created_at=self.clock.now(),
            customer_id=customer,
            **more,
        )
        self.minted[key.id], self.secrets[secret] = key, key.id
        return MintedKey(key, secret)


def _from(items: Sequence[Customer | Credential], after: str | None) -> int:
    return next((at + 1 for at, each in enumerate(items) if each.id == after), 0)


@dataclass
class StandInAdmission:
    """Decides by the reference ledger, with one allowance per tier."""

    records: StandInRecords
    ledger: MemoryLedger
    failure: Exception | None = None

    async def project_of(
        self, secret: str, kinds: frozenset[KeyKind]
    ) -> tuple[Credential, Project]:
        if self.failure is not None:
            raise self.failure
        key = self.records.minted.get(self.records.secrets.get(secret, ""))
        if key is None or key.kind not in kinds or key.status is not KeyStatus.ACTIVE:
            raise InvalidCredentialError
        return key, self.records.projects[key.project_id]

    async def key(
        self, secret: str, cost: int, scopes: tuple[str, ...] = (), ip: str | None = None
    ) -> Verdict:
        key = self.records.minted.get(self.records.secrets.get(secret, ""))
        if key is None or key.kind is not KeyKind.CUSTOMER or key.status is not KeyStatus.ACTIVE:
            return Verdict(False, "invalid_credential", cost)
        customer = self.records.made[key.customer_id or ""]
        project = self.records.projects[key.project_id]
        if not set(scopes) <= set(key.scopes):
            return Verdict(False, "insufficient_scope", cost, key, project, customer)
        return replace(await self._charge(project, customer, cost), credential=key)

    async def track(self, project: Project, user: str, cost: int, plan: str | None) -> Verdict:
        customer = await self._customer(project, user, plan)
        self.records.made.setdefault(customer.id, customer)
        return await self._charge(project, customer, cost)

    async def usage(self, project: Project, user: str) -> Verdict:
        return await self._charge(project, await self._customer(project, user, None), 0)

    async def record(
        self, project: Project, events: Sequence[TrackedEvent]
    ) -> list[tuple[Verdict, Recorded]]:
        answers = []
        for each in events:
            customer = await self._customer(project, each.user, each.plan)
            counter, rule = self._counter(project, customer)
            event = Event(
                id=f"evt_{next(self.records.ids)}",
                scope=project.id,
                key=each.key,
                fingerprint=each.fingerprint,
                subject=customer.id,
                cost=each.cost,
                charges=(Charge(counter, rule),),
                at=self.records.clock.now(),
            )
            (recorded,) = await self.ledger.record([event])
            if recorded.outcome is Outcome.RECORDED:
                self.records.made.setdefault(customer.id, customer)
            verdict = await self._charge(project, customer, 0)
            if recorded.outcome is Outcome.DENIED:
                verdict = self._denied(verdict, recorded.retry_after)
            answers.append((verdict, recorded))
        return answers

    async def void(
        self, project: Project, event: str, amount: int | None, key: str | None
    ) -> Recorded:
        name = key or f"void-{next(self.records.ids)}"
        void = Void(name, project.id, name, f"{event}/{amount}", event, amount, 0.0)
        (recorded,) = await self.ledger.record([void])
        errors = {
            Outcome.UNKNOWN: NotFoundError,
            Outcome.EXCEEDS: VoidExceedsError,
            Outcome.CONFLICT: IdempotencyConflictError,
        }
        if recorded.outcome in errors:
            raise errors[recorded.outcome]
        return recorded

    async def _customer(self, project: Project, user: str, plan: str | None) -> Customer:
        known = await self.records.customer_named(project.id, user)
        if known is not None:
            return known
        tier = plan if plan in {tier.name for tier in TIERS} else None
        now = self.records.clock.now()
        return Customer(f"cus-{user}", project.id, user, tier or "free", now, now)

    def _counter(self, project: Project, customer: Customer) -> tuple[str, Quota | Rate]:
        allowance = next(t for t in TIERS if t.name == customer.plan).allowances[0]
        name = f"{project.id}/{customer.external_id}"
        if allowance.kind is RATE:
            return name, Rate(allowance.limit or 0, HOUR_US, allowance.burst or 0)
        return name, Quota(allowance.limit, MONTH.end)

    async def _charge(self, project: Project, customer: Customer, cost: int) -> Verdict:
        counter, rule = self._counter(project, customer)
        claim = Claim(f"lea-{next(self.records.ids)}", counter, rule, max(1, cost), max(1, cost))
        (grant,) = await self.ledger.take([claim])
        await self.ledger.give_back([Return(claim.lease, cost)])
        (tally,) = await self.ledger.usage([counter])
        used, limit = tally.used, rule.limit
        is_rate = isinstance(rule, Rate)
        policies = (
            () if limit is None else (PolicyState("own", limit, 3600, grant.remaining or 0, 9.0),)
        )
        verdict = Verdict(
            True,
            "allowed",
            cost,
            project=project,
            customer=customer,
            tier=next(t for t in TIERS if t.name == customer.plan),
            usage=None if is_rate else Usage(used, limit, MONTH),
            policies=policies,
        )
        return verdict if grant.granted or not cost else self._denied(verdict, grant.retry_after)

    def _denied(self, verdict: Verdict, retry_after: float | None) -> Verdict:
        code = "rate_limited" if verdict.usage is None else "quota_exceeded"
        return replace(
            verdict,
            allowed=False,
            code=code,
            violated=verdict.policies[0],
            retry_after=retry_after,
        )


class WithIdentities(Plugins):
    """Plugins of which the test gives the identities."""

    def __init__(self, identities: Sequence[Identity] = ()) -> None:
        super().__init__({})
        self.known = list(identities)

    def identities(self) -> tuple[Identity, ...]:
        return cast("tuple[Identity, ...]", self.known)


@dataclass
class StandInGateway:
    """What `create_service` needs."""

    clock: FakeClock
    directory: StandInRecords
    admission: StandInAdmission
    plugins: WithIdentities = field(default_factory=WithIdentities)
    settings: Settings = field(default_factory=Settings)
    parts: dict[str, str | None] = field(default_factory=lambda: {"store": None, "feed": None})

    async def health(self) -> dict[str, str | None]:
        return self.parts


@dataclass
class Tenant:
    """One project and its keys, with a client that speaks for it."""

    project: Project
    secret_key: str
    publishable_key: str
    client: httpx.AsyncClient

    async def customer(self, external_id: str, **more: Any) -> dict[str, Any]:
        body = {"email": f"{external_id}@example.org", "externalId": external_id, **more}
        answer = await self.client.post("/api/customers", json=body)
        assert answer.status_code == 201, answer.text
        customer: dict[str, Any] = answer.json()["customer"]
        return customer

    async def key(self, customer: str, **more: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/api/customers/{customer}/keys", json=more)
        assert answer.status_code == 201, answer.text
        key: dict[str, Any] = answer.json()
        return key


@pytest.fixture
def gateway() -> StandInGateway:
    clock = FakeClock()
    records = StandInRecords(clock)
    return StandInGateway(clock, records, StandInAdmission(records, MemoryLedger(clock)))


@pytest.fixture
def service(gateway: StandInGateway) -> Service:
    app = create_service(cast("Host", gateway))
    assert isinstance(app, Service)
    return app


@pytest.fixture
async def anybody(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a credential."""
    async with _client(service) as client:
        yield client


@pytest.fixture
async def tenant(gateway: StandInGateway, service: Service) -> AsyncIterator[Tenant]:
    async with _tenant(gateway, service, "one") as each:
        yield each


@pytest.fixture
async def stranger(gateway: StandInGateway, service: Service) -> AsyncIterator[Tenant]:
    """Another platform's project on the same gateway."""
    async with _tenant(gateway, service, "two") as each:
        yield each


@asynccontextmanager
async def _tenant(gateway: StandInGateway, service: Service, name: str) -> AsyncIterator[Tenant]:
    records = gateway.directory
    project = Project(f"prj_{name}", f"plt_{name}", name, Mode.TEST, "free")
    records.projects[project.id] = project
    secret = records.mint(KeyKind.SECRET, project.id, None, {}).secret
    publishable = records.mint(KeyKind.PUBLISHABLE, project.id, None, {}).secret
    async with _client(service, {"authorization": f"Bearer {secret}"}) as client:
        yield Tenant(project, secret, publishable, client)


def _client(service: Service, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=cast("Any", service))
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)
