"""Admission as the edge asks for it: what a request costs, who it is from, may it pass."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.edge.forwarded import Forwarding
from dream_gateway.errors import (
    GatewayError,
    IdentityUnavailableError,
    MissingCredentialError,
    StoreUnavailableError,
)
from dream_gateway.http.credentials import Found, find_credential
from dream_gateway.http.problem import refusal
from dream_gateway.model import Verdict
from dream_gateway.verdicts import Admitted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from dream_gateway.callers import Caller
    from dream_gateway.counter import Counter
    from dream_gateway.counts import Counts
    from dream_gateway.edge.options import EdgeOptions
    from dream_gateway.edge.routes import Route
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.waiting import Pending, Waiter

    class KeyAdmission(Protocol):
        """The part of `dream_gateway.admission.Admission` that the edge needs."""

        @property
        def counts(self) -> Counts:
            """What is counted beside what is charged."""
            ...

        def now(self) -> float:
            """Return the time it decides by, in seconds since the epoch."""
            ...

        def monotonic(self) -> float:
            """Return the seconds that leases are spent by."""
            ...

        def by_key(self, digest: bytes) -> Caller:
            """Return whoever holds the key of this digest, as long as it has no conditions."""
            ...

        def try_spend(self, counters: Sequence[Counter], cost: int, now: float, /) -> bool:
            """Charge all counters from leases in hand, or none; `now` is monotonic seconds."""
            ...

        def enqueue(self, counters: Sequence[Counter], cost: int, waiter: Waiter, /) -> Pending:
            """Charge all counters once there are leases, and tell the waiter."""
            ...

        def try_key(
            self,
            secret: str,
            cost: int,
            scopes: tuple[str, ...] = (),
            ip: str | None = None,
            *,
            publishable: str | None = None,
        ) -> Verdict | None:
            """Admit from memory alone; `None` when that takes a store."""
            ...

        async def key(
            self,
            secret: str,
            cost: int,
            scopes: tuple[str, ...] = (),
            ip: str | None = None,
            *,
            publishable: str | None = None,
        ) -> Verdict:
            """Admit by a customer key, or by an end user's token beside a publishable key."""
            ...

        def refund(self, verdict: Verdict) -> None:
            """Give an admitted request's units back."""
            ...


_PLAIN_BEARER = b"Bearer ak_"
PLAIN_FOUND = Found("", in_authorization=True, in_api_key=False, in_query=False)
"""Where a plain request's key was; its secret is nobody's business."""


class Ask(NamedTuple):
    """A request, as far as admission is concerned."""

    route: Route
    found: Found | None
    cost: int
    ip: str | None


class Gate:
    """Lets requests in. Denials are raised as the errors that they stand for."""

    __slots__ = ("_costs", "_is_watched", "_observers", "_parameter", "admission", "forwarding")

    def __init__(self, admission: KeyAdmission, options: EdgeOptions) -> None:
        self.admission = admission
        self._parameter = options.query_parameter.encode() if options.query_parameter else None
        self._observers = tuple(options.observers)
        self._costs = tuple(options.costs)
        self.forwarding = Forwarding()
        self._is_watched = bool(self._costs or self._observers or self._parameter)

    @property
    def parameter(self) -> bytes | None:
        """The query parameter that may carry the key."""
        return self._parameter

    def plain_key(self, fields: dict[bytes, bytes]) -> bytes | None:
        """Return the digest of the key of a request whose fields need no closer look, else `None`.

        `fields` are those of a request in which no name is there twice. The digest is for
        `by_key` of admission, if one unit is asked for.
        """
        value = fields.get(b"authorization")
        if (
            value is None
            or self._is_watched
            or value[:10] != _PLAIN_BEARER
            or b"x-api-key" in fields
        ):
            return None
        return sha256(value[7:]).digest()

    def ask(
        self,
        route: Route,
        inbound: Inbound,
        ip: str | None,
        original: tuple[str, str, bytes] | None = None,
    ) -> Ask:
        """Read what admission needs to know from a request. Never blocks.

        `original` is the method, path and query that are asked for, where those are not its own.
        Raises `MissingCredentialError`, or `InvalidCredentialError` for two keys that differ.
        """
        method, path, query = original or (inbound.method, inbound.path, inbound.query)
        try:
            found = find_credential(inbound.headers, query, self._parameter, inbound.fields)
        except GatewayError as exc:
            if route.public:
                return Ask(route, None, 0, ip)
            self._refused(exc.code)
            raise
        if route.public:
            return Ask(route, found, 0, ip)
        if found is None:
            if route.preflight and _is_preflight(method, inbound.fields):
                return Ask(route, None, 0, ip)
            self._refused(MissingCredentialError.code)
            raise MissingCredentialError
        cost = self._cost(route, method, path, inbound.headers) if self._costs else route.cost
        return Ask(route, found, cost, ip)

    def try_admit(self, ask: Ask) -> Verdict | None:
        """Admit from memory alone; `None` when that takes a store. Never blocks."""
        if ask.route.public or ask.found is None:
            return Verdict(True, "allowed", 0)
        try:
            verdict = self.admission.try_key(
                ask.found.secret,
                ask.cost,
                ask.route.scopes,
                ask.ip,
                publishable=ask.found.publishable,
            )
        except StoreUnavailableError as exc:
            return self._without_store(ask, exc)
        return None if verdict is None else self._judged(ask, verdict)

    async def admit(self, ask: Ask) -> Verdict:
        """Admit, asking the store: for when `try_admit` could not say."""
        if ask.found is None:
            return Verdict(True, "allowed", 0)
        try:
            verdict = await self.admission.key(
                ask.found.secret,
                ask.cost,
                ask.route.scopes,
                ask.ip,
                publishable=ask.found.publishable,
            )
        except StoreUnavailableError as exc:
            return self._without_store(ask, exc)
        except IdentityUnavailableError as exc:
            # Whatever the route says of stores: nobody knows who this is.
            self._refused(exc.code)
            raise
        return self._judged(ask, verdict)

    def refund(self, ask: Ask, verdict: Verdict) -> None:
        """Give the charge of a failed request back, if the route charges for success only."""
        if ask.route.charge == "success" and verdict.allowed and verdict.cost > 0:
            self.admission.refund(verdict)

    def took(self, verdict: Verdict) -> float | None:
        """Count how long it took from the verdict to now, and return that; `None`: it had no time."""
        if not isinstance(verdict, Admitted):
            return None
        seconds = self.admission.now() - verdict.now
        self.admission.counts.took(verdict.subject.project.id, seconds)
        return seconds

    def _judged(self, ask: Ask, verdict: Verdict) -> Verdict:
        if self._observers:
            self._observe(verdict, verdict.code, verdict.cost)
        if verdict.allowed:
            return verdict
        if verdict.code == StoreUnavailableError.code and ask.route.on_store_failure == "open":
            return Verdict(True, verdict.code, 0)
        raise DeniedError(verdict)

    def _without_store(self, ask: Ask, error: StoreUnavailableError) -> Verdict:
        """Let it pass uncounted where the route says so."""
        self._observe(None, error.code, 0)
        if ask.route.on_store_failure == "open":
            return Verdict(True, error.code, 0)
        raise error

    def _cost(self, route: Route, method: str, path: str, headers: Headers) -> int:
        for pricing in self._costs:
            cost = pricing.cost(method=method, path=path, headers=headers)
            if cost is not None:
                return max(0, cost)
        return route.cost

    def _refused(self, code: str) -> None:
        """Count what admission was not asked about, or does not know whom to count it for."""
        self.admission.counts.denied(code)
        self._observe(None, code, 0)

    def _observe(self, verdict: Verdict | None, code: str, cost: int) -> None:
        project = verdict.project.id if verdict and verdict.project else ""
        customer = verdict.customer.external_id if verdict and verdict.customer else ""
        for observer in self._observers:
            observer.observe(project=project, customer=customer, code=code, cost=cost)


def _is_preflight(method: str, fields: dict[bytes, bytes]) -> bool:
    """Tell whether a browser asks for a page whether it may ask (WHATWG Fetch, CORS-preflight)."""
    return (
        method == "OPTIONS" and b"origin" in fields and b"access-control-request-method" in fields
    )


class DeniedError(Exception):
    """Carries a denial up to where it is answered; `verdict` says what the answer's fields need."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.code)
        self.verdict = verdict

    def error(self) -> GatewayError:
        """Return the error of the tree that it stands for."""
        return refusal(self.verdict)


def error_of(cause: Exception) -> GatewayError:
    """Return the error that a failure is told as; nobody hears more of what nobody expected."""
    if isinstance(cause, DeniedError):
        return cause.error()
    return cause if isinstance(cause, GatewayError) else GatewayError()
