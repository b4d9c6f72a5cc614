"""What the edge sees of the real admission, decided in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from dream_gateway.counter import Counter
from dream_gateway.counts import Counts
from dream_gateway.model import (
    Credential,
    Customer,
    KeyKind,
    Mode,
    Period,
    PolicyState,
    Project,
    Tier,
    Usage,
    Verdict,
)
from dream_gateway.storage import Quota
from dream_gateway.subjects import Subject
from dream_gateway.waiting import Denial, Pending, Waiter

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "ak_test_" + "a" * 36
RESET = 1234


@dataclass
class StandInCaller:
    """Leaves everything to `try_key`, unless plain requests are decided in memory."""

    admission: StandInAdmission
    digest: bytes

    def find(self, now: float, clock: float) -> Subject | None:
        known = self.digest == sha256(self.admission.key_secret.encode()).digest()
        it = self.admission
        return it.subject if it.plain and known and it.warm else None


@dataclass
class StandInAdmission:
    """One key with a quota, decided in memory: what the edge sees of the real admission."""

    key_secret: str = KEY
    limit: int = 1000
    used: int = 0
    warm: bool = True
    rate_limited: bool = False
    failure: Exception | None = None
    external_id: str = "cust-1"
    refunds: int = 0
    plain: bool = False
    waits: bool = False
    counts: Counts = field(default_factory=Counts)
    waiting: list[Pending] = field(default_factory=list)
    asked: list[tuple[str, int, tuple[str, ...], str | None]] = field(default_factory=list)
    beside: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        period = Period(RESET - 2592000, RESET)
        quota = Counter("cus_1/quota", "quota", Quota(self.limit, RESET), period)
        self.subject = Subject(
            Project("prj_1", "plt_1", "p", Mode.TEST, "free"),
            Customer("cus_1", "prj_1", self.external_id, "free", 0.0, 0.0),
            Tier("free", ()),
            Credential("key_1", KeyKind.CUSTOMER, "prj_1", "ak", "aaaa", 0.0),
            (quota,),
            quota,
            since=0.0,
            until=RESET,
        )

    def now(self) -> float:
        return 0.8

    def monotonic(self) -> float:
        return 0.8

    def by_key(self, digest: bytes) -> StandInCaller:
        return StandInCaller(self, digest)

    def try_spend(self, counters: Sequence[Counter], cost: int, now: float) -> bool:
        del now
        if self.failure or self.rate_limited or self.waits or self.used >= self.limit:
            return False
        self.used += cost
        counters[0].available = self.limit - self.used
        return True

    def enqueue(self, counters: Sequence[Counter], cost: int, waiter: Waiter) -> Pending:
        """Decide at once, or, if `waits`, by `decide`."""
        pending = Pending(counters, cost, waiter)
        self.waiting.append(pending)
        if not self.waits:
            self.decide()
        return pending

    def decide(self) -> None:
        """Decide for all who wait."""
        self.waits = False
        waiting, self.waiting = self.waiting, []
        for pending in waiting:
            if pending.is_over():
                continue
            if self.try_spend(pending.counters, pending.cost, self.monotonic()):
                pending.charge()
            else:
                pending.deny(Denial(self.subject.counters[0], None))

    def try_key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        publishable: str | None = None,
    ) -> Verdict | None:
        self.beside.append(publishable)
        return self._decide(secret, cost, scopes, ip) if self.warm else None

    async def key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        publishable: str | None = None,
    ) -> Verdict:
        await asyncio.sleep(0)
        return self._decide(secret, cost, scopes, ip)

    def refund(self, verdict: Verdict) -> None:
        self.refunds += 1
        self.used -= verdict.cost

    def _decide(self, secret: str, cost: int, scopes: tuple[str, ...], ip: str | None) -> Verdict:
        self.asked.append((secret, cost, scopes, ip))
        if self.failure is not None:
            raise self.failure
        if secret != self.key_secret:
            return Verdict(False, "invalid_credential", cost)
        if "admin" in scopes:
            return Verdict(False, "insufficient_scope", cost)
        fits = self.used + cost <= self.limit
        code = "allowed" if fits and not self.rate_limited else "quota_exceeded"
        if self.rate_limited:
            code = "rate_limited"
        if code == "allowed":
            self.used += cost
        state = PolicyState("quota", self.limit, 2592000, self.limit - self.used, 1233.2)
        return Verdict(
            code == "allowed",
            code,
            cost,
            project=Project("prj_1", "plt_1", "p", Mode.TEST, "free"),
            customer=Customer("cus_1", "prj_1", self.external_id, "free", 0.0, 0.0),
            usage=Usage(self.used, self.limit, Period(0, 2592000)),
            policies=(state,),
            violated=None if code == "allowed" else state,
            retry_after=None if code == "allowed" else 2.1,
        )
