"""`POST /api/data`, `GET /api/usage`, `POST /api/verify`: charge, tell, and check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BadRequestError,
    CustomerSuspendedError,
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
from dream_gateway.service.charge import Charge, plain_name
from dream_gateway.service.dispatch import RefusedError
from dream_gateway.service.events import check_recorded, tracked_event
from dream_gateway.service.fields import (
    IDEMPOTENCY_KEY,
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
from dream_gateway.service.subscription_shapes import subscription_view
from dream_gateway.service.usage_shapes import (
    TrackAnswer,
    TrackRequest,
    UsageView,
    VerifiedCustomer,
    VerifyAnswer,
    VerifyRequest,
)
from dream_gateway.service.usage_views import counted_usage, usage_view
from dream_gateway.storage import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.admission import Admission
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.model import Verdict
    from dream_gateway.service.call import Call

IDEMPOTENCY_FIELD = b"idempotency-key"
METERED = frozenset({Auth.SECRET, Auth.USER})
REFUSALS = (
    BadRequestError,
    ForbiddenError,
    UnknownTierError,
    CustomerSuspendedError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitedError,
    StoreUnavailableError,
)
CHECK_REFUSALS = (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    InvalidRequestError,
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
                errors=CHECK_REFUSALS,
                metered=True,
                hot=True,
                quick=self.try_verify,
            ),
        )

    def express(
        self, client: HttpConnection, fields: dict[bytes, bytes], next_id: Callable[[], bytes]
    ) -> Charge | None:
        """Return what answers plain charges of one unit."""
        named = plain_name(fields)
        if named is None:
            return None
        caller = self._admission.by_name(*named)
        return Charge(client, self._admission, caller, self._limits, next_id)

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
        view = usage_view(verdict, user)
        if verdict.customer is not None and verdict.customer.subscription is not None:
            view.subscription = subscription_view(verdict.customer.subscription)
        return Answer(view, headers=self._fields(verdict))

    async def verify(self, call: Call) -> Answer:
        """Check a customer key of the caller's own project; another's is unknown."""
        asked: VerifyRequest = call.body
        scopes = tuple(asked.scopes)
        project = call.known.project.id
        verdict = await self._admission.key(
            asked.key, asked.cost, scopes, asked.ip, project=project
        )
        return Answer(_verified(verdict), headers=self._fields(verdict))

    def try_verify(self, call: Call) -> Answer | None:
        """Admit by a key of the caller's own project, from memory."""
        asked: VerifyRequest = call.body
        if asked.cost == 0:
            return None
        verdict = self._admission.try_key(
            asked.key, asked.cost, tuple(asked.scopes), asked.ip, project=call.known.project.id
        )
        if verdict is None:
            return None
        return Answer(_verified(verdict), headers=self._fields(verdict))

    async def _record(self, call: Call, user: str, cost: int, key: str) -> Answer:
        project = call.known.project
        event = tracked_event(user, cost, key, plan_of(call))
        ((verdict, recorded),) = await self._admission.events.record(project, [event])
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
