"""`POST /api/usage/batch` and `POST /api/usage/{eventId}/void`: usage events, once each."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import (
    BadRequestError,
    BodyTooLargeError,
    ForbiddenError,
    GatewayError,
    IdempotencyConflictError,
    InvalidRequestError,
    NotFoundError,
    StoreUnavailableError,
    VoidExceedsError,
)
from dream_gateway.http.problem import refusal
from dream_gateway.service.authentication import Auth
from dream_gateway.service.dispatch import RefusedError
from dream_gateway.service.fields import IDEMPOTENCY_KEY, idempotency_key
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.usage_shapes import (
    BatchAnswer,
    BatchEvent,
    BatchRequest,
    EventResult,
    FaultView,
    LooseBatch,
    VoidAnswer,
    VoidRequest,
)
from dream_gateway.service.usage_views import counted_usage
from dream_gateway.service.validation import MAX_FAULTS, faults
from dream_gateway.storage import Outcome
from dream_gateway.usage_events import TrackedEvent

if TYPE_CHECKING:
    from dream_gateway.admission import Admission
    from dream_gateway.model import Verdict
    from dream_gateway.service.call import Call
    from dream_gateway.storage import Recorded

BATCH_BODY = 2 << 20
"""Bytes: room for a full batch of events with long names."""


class EventRoutes:
    """Records events that carry an idempotency key, and takes them back."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/api/usage/batch",
                "Record usage events, each all or nothing on its own",
                self.batch,
                BatchAnswer,
                auth=frozenset({Auth.SECRET}),
                request=BatchRequest,
                read_as=LooseBatch,
                max_body=BATCH_BODY,
                errors=(
                    BadRequestError,
                    ForbiddenError,
                    BodyTooLargeError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
                hot=True,
            ),
            Operation(
                "POST",
                "/api/usage/{eventId}/void",
                "Take back a recorded event, or a part of it",
                self.void,
                VoidAnswer,
                auth=frozenset({Auth.SECRET}),
                request=VoidRequest,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY,),
                errors=(
                    BadRequestError,
                    ForbiddenError,
                    NotFoundError,
                    VoidExceedsError,
                    IdempotencyConflictError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
                hot=True,
            ),
        )

    async def batch(self, call: Call) -> Answer:
        """Record the events that can be read; the others have their faults as results."""
        read = [_event(value, at) for at, value in enumerate(call.body.events)]
        events = [each for each in read if isinstance(each, BatchEvent)]
        recorded = iter(await self._record(call, events))
        results = [next(recorded) if isinstance(r, BatchEvent) else r for r in read]
        return Answer(BatchAnswer(success=all(r.success for r in results), results=results))

    async def void(self, call: Call) -> Answer:
        """Take back `amount` units, or all that is left."""
        asked: VoidRequest = call.body
        event = call.parameters["eventId"]
        recorded = await self._admission.events.void(
            call.known.project, event, asked.amount, idempotency_key(call)
        )
        value = VoidAnswer(
            success=True,
            event_id=event,
            void_id=recorded.id,
            amount=recorded.cost,
            duplicate=recorded.outcome is Outcome.DUPLICATE,
        )
        return Answer(value)

    async def _record(self, call: Call, events: list[BatchEvent]) -> list[EventResult]:
        if not events:
            return []
        tracked = [tracked_event(e.user_id, e.cost, e.idempotency_key, e.plan) for e in events]
        answers = await self._admission.events.record(call.known.project, tracked)
        return [_result(e, *answer) for e, answer in zip(events, answers, strict=True)]


def tracked_event(user: str, cost: int, key: str, plan: str | None) -> TrackedEvent:
    """Return an event to record, with a digest of what was asked."""
    asked = msgspec.json.encode((user, cost, plan))
    return TrackedEvent(
        user=user, cost=cost, key=key, fingerprint=sha256(asked).hexdigest(), plan=plan
    )


def check_recorded(verdict: Verdict, recorded: Recorded) -> None:
    """Raise what keeps an event from being recorded: a conflict, or a refusal."""
    if recorded.outcome is Outcome.CONFLICT:
        raise IdempotencyConflictError
    if not verdict.allowed:
        raise RefusedError(verdict)


def _event(value: object, at: int) -> BatchEvent | EventResult:
    """Return the event, or the result that says what is wrong with it."""
    try:
        return msgspec.convert(value, BatchEvent)
    except msgspec.ValidationError:
        found = list(faults(value, BatchEvent, f"/events/{at}"))
    return EventResult(
        success=False,
        code=InvalidRequestError.code,
        status=InvalidRequestError.status,
        detail=InvalidRequestError.title,
        errors=[FaultView(pointer=f.pointer, detail=f.detail) for f in found[:MAX_FAULTS]],
    )


def _result(event: BatchEvent, verdict: Verdict, recorded: Recorded) -> EventResult:
    try:
        check_recorded(verdict, recorded)
    except RefusedError as exc:
        # Whoever is refused for who they are was asked no limit.
        told = None if verdict.violated is None else verdict
        return _failed(refusal(exc.verdict), told, event.user_id)
    except GatewayError as exc:
        return _failed(exc, None, event.user_id)
    return EventResult(
        success=True,
        code=str(recorded.outcome),
        status=200,
        event_id=recorded.id,
        duplicate=recorded.outcome is Outcome.DUPLICATE,
        usage=counted_usage(verdict, event.user_id),
    )


def _failed(error: GatewayError, verdict: Verdict | None, user: str) -> EventResult:
    return EventResult(
        success=False,
        code=error.code,
        status=error.status,
        detail=error.detail,
        retry_after=error.retry_after,
        usage=None if verdict is None else counted_usage(verdict, user),
    )
