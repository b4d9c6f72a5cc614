"""Who a request is for, resolved: project, customer, tier, and the counters it is charged to."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from dream_gateway.counter import NEVER, Counter
from dream_gateway.gcra import Rate
from dream_gateway.model import Alignment, AllowanceKind, KeyStatus, Period
from dream_gateway.periods import calendar_period, period, seconds_of
from dream_gateway.storage import Quota

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.meter import Meter
    from dream_gateway.model import Allowance, Credential, Customer, Project, Tier

MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Subject:
    """A resolved caller. `counters` hold for `[since, until)`, in seconds since the epoch."""

    project: Project
    customer: Customer
    tier: Tier | None
    credential: Credential | None
    counters: tuple[Counter, ...] = ()
    quota: Counter | None = None
    plain: bool = False
    """Whether nothing but its limits can keep this caller out, whatever is asked of them."""

    open: bool = False
    """Whether nothing but limits and the key can keep this caller out."""

    since: float = NEVER
    until: float = -NEVER
    identity: Any = None
    limits: Any = None
    counted: Any = None
    """What the planes have rendered of this subject: of who it is, and of its counters."""

    def __post_init__(self) -> None:
        """See whether there are conditions."""
        key = self.credential
        suspended = self.project.suspended or self.customer.suspended
        self.open = self.tier is not None and not suspended
        self.plain = self.open and key is not None and is_plain(key)

    @property
    def is_paid_beyond(self) -> bool:
        """Whether use beyond the tier's quota is paid for: with a subscription, only by its meter."""
        if self.tier is None or self.tier.overage is None or self.tier.quota is None:
            return False
        paid = self.customer.subscription
        return paid is None or paid.plan != self.tier.name or paid.metered

    def at(self, now: float, meter: Meter) -> tuple[Counter, ...]:
        """Return the counters of the periods that `now` is in."""
        if not self.since <= now < self.until:
            self._enter(now, meter)
        return self.counters

    def _enter(self, now: float, meter: Meter) -> None:
        self.limits = self.counted = None
        found = list(templates(self, now))
        self.counters = tuple(meter.counter(template) for template in found)
        self.quota = next((c for c in self.counters if c.name == "quota"), None)
        spans = [c.period for c in self.counters if c.period is not None]
        # Floats, as the times they are compared with at each request: that is several times as fast.
        self.since = float(max((span.start for span in spans), default=-NEVER))
        self.until = float(min((span.end for span in spans if span.end is not None), default=NEVER))


def is_plain(credential: Credential) -> bool:
    """Tell whether a key may pass whenever it is used, and from wherever."""
    return (
        credential.status is KeyStatus.ACTIVE
        and credential.expires_at is None
        and not credential.allowed_ips
    )


def refusal(credential: Credential, now: float, scopes: tuple[str, ...], ip: str | None) -> str:
    """Return the code that keeps this key out right now; empty if it may pass."""
    if credential.status is not KeyStatus.ACTIVE:
        return "invalid_credential"
    if credential.expires_at is not None and now >= credential.expires_at:
        return "invalid_credential"
    if credential.allowed_ips and not _listed(ip, credential.allowed_ips):
        return "ip_denied"
    if scopes and not set(scopes) <= set(credential.scopes):
        return "insufficient_scope"
    return ""


def _listed(ip: str | None, blocks: tuple[str, ...]) -> bool:
    try:
        address = ip_address(ip or "")
    except ValueError:
        return False
    return any(address in ip_network(block, strict=False) for block in blocks)


def templates(subject: Subject, now: float) -> Iterator[Counter]:
    """Yield a counter for each allowance, in the period that `now` is in: key, customer, project."""
    project, customer = subject.project, subject.customer
    if subject.credential is not None and subject.credential.rate is not None:
        owner = f"{project.id}/{subject.credential.id}"
        yield _counter(owner, "key-rate", subject.credential.rate, None)
    seen: dict[str, int] = {}
    own = _of_tier(subject)
    telling = _telling(own)
    allowances = [("", f"{project.id}/{customer.id}", customer.anchor, a) for a in own]
    allowances += [("project-", project.id, project.created_at, a) for a in project.allowances]
    for prefix, owner, anchor, allowance in allowances:
        name = f"{prefix}{allowance.kind}"
        ordinal = seen[name] = seen.get(name, 0) + 1
        span = _period(project, anchor, allowance, now)
        counter = _counter(owner, name if ordinal == 1 else f"{name}-{ordinal}", allowance, span)
        if counter.name == "quota":
            counter.included = _included(subject)
        if allowance is telling and not prefix:
            counter.owner, telling = (project.id, customer.id), None
        yield counter


def _included(subject: Subject) -> int | None:
    """Return the units of the first quota that a tier includes, if more can be had for money."""
    tier = subject.tier
    if tier is None or tier.quota is None or not subject.is_paid_beyond:
        return None
    return tier.quota.limit


def _telling(allowances: tuple[Allowance, ...]) -> Allowance | None:
    """Return the allowance that tells what a customer does: the first quota, else the first."""
    quotas = [each for each in allowances if each.kind is AllowanceKind.QUOTA]
    return next(iter((*quotas, *allowances)), None)


def _of_tier(subject: Subject) -> tuple[Allowance, ...]:
    if subject.tier is None:
        return ()
    return subject.tier.refusing if subject.is_paid_beyond else subject.tier.allowances


def _period(project: Project, anchor: float, allowance: Allowance, now: float) -> Period | None:
    if allowance.kind is AllowanceKind.RATE:
        return None
    if project.alignment is Alignment.CALENDAR:
        return calendar_period(allowance.interval, now)
    # Nobody has a period before their first, though a clock may be behind the one they began by.
    return period(anchor, allowance.interval, max(now, anchor))


def _counter(owner: str, name: str, allowance: Allowance, span: Period | None) -> Counter:
    if span is not None:
        # The limit is not part of the key: changing it carries the usage over.
        key = f"{owner}/{name}/{allowance.interval}/{span.start}"
        return Counter(key, name, Quota(allowance.limit, span.end), span)
    limit = allowance.limit or 1
    rate = Rate(
        limit, (seconds_of(allowance.interval) or 1) * MICROSECONDS, allowance.burst or limit
    )
    return Counter(f"{owner}/{name}", name, rate, None)
