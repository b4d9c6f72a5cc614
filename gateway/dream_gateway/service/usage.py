"""`POST /api/data`, `GET /api/usage`, `POST /api/verify`: charge, tell, and check."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BadRequestError,
    ForbiddenError,
    IdempotencyConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    StoreUnavailableError,
    UnknownTierError,
)
from dream_gateway.service.authentication import Auth
from dream_gateway.service.dispatch import RefusedError
from dream_gateway.service.events import check_recorded, tracked_event
from dream_gateway.service.fields import (
    IDEMPOTENCY_KEY,
    LONGEST_PLAIN,
    USAGE_COST,
    USER_ID,
    USER_PLAN,
    idempotency_key,
    plan_of,
    stated_cost,
    user_of,
)
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.usage_shapes import (
    TrackAnswer,
    TrackRequest,
    UsageView,
    VerifiedCustomer,
    VerifyAnswer,
    VerifyRequest,
)
from dream_gateway.service.usage_views import counted_template, counted_usage, usage_view
from dream_gateway.storage import Outcome

if TYPE_CHECKING:
    from dream_gateway.admission import Admission
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.model import Verdict
    from dream_gateway.service.call import Call

IDEMPOTENCY_FIELD = b"idempotency-key"
_PLAIN_BEARER = b"Bearer sk_"
_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:|@+"
_UNUSUAL = frozenset({IDEMPOTENCY_FIELD, b"x-publishable-key", b"x-usage-cost"})
_CHARGED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nx-request-id: "
)
METERED = frozenset({Auth.SECRET, Auth.USER})
REFUSALS = (
    BadRequestError,
    ForbiddenError,
    UnknownTierError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitedError,
    StoreUnavailableError,
)


class UsageRoutes:
    """Charges and tells the usage of one user at a time."""

    def __init__(self, admission: Admission, limits: RateLimitHeaders) -> None:
        self._admission = admission
        self._limits = limits

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/api/data",
                "Charge a user for a request",
                self.track,
                TrackAnswer,
                auth=METERED,
                request=TrackRequest,
                body_optional=True,
                fields=(USER_ID, USER_PLAN, USAGE_COST, IDEMPOTENCY_KEY),
                errors=(*REFUSALS, IdempotencyConflictError),
                metered=True,
                hot=True,
                quick=self.try_track,
                express=None if self._limits.legacy else self.express,
            ),
            Operation(
                "GET",
                "/api/usage",
                "Tell a user's usage of the current period",
                self.tell,
                UsageView,
                auth=METERED,
                fields=(USER_ID,),
                errors=REFUSALS,
                metered=True,
                hot=True,
            ),
            Operation(
                "POST",
                "/api/verify",
                "Check a customer key and charge its use",
                self.verify,
                VerifyAnswer,
                auth=frozenset({Auth.SECRET}),
                request=VerifyRequest,
                errors=(
                    BadRequestError,
                    ForbiddenError,
                    NotFoundError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
                metered=True,
                hot=True,
            ),
        )

    def express(self, fields: dict[bytes, bytes], request_id: bytes, date: bytes) -> bytes | None:
        """Return the whole answer to a plain charge of one unit, if memory has it; `None` if not.

        `None` has charged nothing. It is byte for byte what `try_track` leads to. Never blocks.
        """
        value, user = fields.get(b"authorization"), fields.get(b"x-user-id")
        if value is None or user is None or value[:10] != _PLAIN_BEARER or not _is_plain(user):
            return None
        if not _UNUSUAL.isdisjoint(fields):
            return None
        digest = sha256(value[7:]).digest()
        verdict = self._admission.try_named(digest, user.decode("ascii"))
        if verdict is None:
            return None
        body = counted_template(verdict).render()
        return b"".join(
            (
                _CHARGED % len(body),
                request_id,
                b"\r\n",
                self._limits.lines(verdict),
                date,
                b"\r\n",
                body,
            )
        )

    def try_track(self, call: Call) -> Answer | None:
        """Charge a known user who has no idempotency key, from memory."""
        if IDEMPOTENCY_FIELD in call.fields:
            return None
        user, cost = user_of(call), stated_cost(call, call.body.cost)
        verdict = self._admission.try_track(call.known.project, user, cost)
        if verdict is None:
            return None
        value = TrackAnswer(success=True, usage=counted_usage(verdict, user))
        return Answer(value, headers=self._fields(verdict))

    async def track(self, call: Call) -> Answer:
        """Charge the user, or with a cost of 0 only tell."""
        caller, user = call.known, user_of(call)
        cost = stated_cost(call, call.body.cost)
        key = idempotency_key(call)
        if key is not None:
            return await self._record(call, user, cost, key)
        verdict = await self._admission.track(caller.project, user, cost, plan_of(call))
        if not verdict.allowed:
            raise RefusedError(verdict)
        value = TrackAnswer(success=True, usage=counted_usage(verdict, user))
        return Answer(value, headers=self._fields(verdict))

    async def tell(self, call: Call) -> Answer:
        """Tell usage; a user nobody heard of is on the default tier with nothing used."""
        user = user_of(call)
        verdict = await self._admission.usage(call.known.project, user)
        if not verdict.allowed and verdict.usage is None:
            raise RefusedError(verdict)
        return Answer(usage_view(verdict, user), headers=self._fields(verdict))

    async def verify(self, call: Call) -> Answer:
        """Check a customer key of the caller's own project; another's is unknown."""
        asked: VerifyRequest = call.body
        scopes = tuple(asked.scopes)
        project = call.known.project.id
        verdict = await self._admission.key(
            asked.key, asked.cost, scopes, asked.ip, project=project
        )
        return Answer(_verified(verdict), headers=self._fields(verdict))

    async def _record(self, call: Call, user: str, cost: int, key: str) -> Answer:
        project = call.known.project
        event = tracked_event(user, cost, key, plan_of(call))
        ((verdict, recorded),) = await self._admission.record(project, [event])
        check_recorded(verdict, recorded)
        value = TrackAnswer(
            success=True,
            usage=counted_usage(verdict, user),
            event_id=recorded.id,
            duplicate=recorded.outcome is Outcome.DUPLICATE,
        )
        return Answer(value, headers=self._fields(verdict))

    def _fields(self, verdict: Verdict) -> Headers:
        headers: Headers = []
        self._limits.add(headers, verdict)
        return headers


def _is_plain(user: bytes) -> bool:
    """Tell whether a user's id is one that nobody has to look at closer."""
    return 0 < len(user) <= LONGEST_PLAIN and not user.translate(None, _PLAIN)


def _verified(verdict: Verdict) -> VerifyAnswer:
    credential, customer = verdict.credential, verdict.customer
    user = "" if customer is None else customer.external_id
    return VerifyAnswer(
        allowed=verdict.allowed,
        code=verdict.code,
        key_id=None if credential is None else credential.id,
        customer=None
        if customer is None
        else VerifiedCustomer(id=customer.id, external_id=customer.external_id),
        plan=None if verdict.tier is None else verdict.tier.name,
        scopes=[] if credential is None else list(credential.scopes),
        usage=None if verdict.usage is None else usage_view(verdict, user),
        policy=None if verdict.violated is None else verdict.violated.name,
        retry_after=verdict.retry_after,
    )
