"""The header fields that operations read: each declared once, and read by the same declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.service.call import field_fault
from dream_gateway.service.operation import Field
from dream_gateway.service.validation import faults
from dream_gateway.service.values import Cost, IdempotencyKey, ObjectId, PlanName, UserId

if TYPE_CHECKING:
    from dream_gateway.service.call import Call

USER_ID = Field("X-User-Id", UserId)
USER_PLAN = Field("X-User-Plan", PlanName)
USAGE_COST = Field("X-Usage-Cost", Cost)
IDEMPOTENCY_KEY = Field("Idempotency-Key", IdempotencyKey)
IF_MATCH = Field("If-Match", str)
PROJECT_ID = Field("X-Project-Id", ObjectId)
PLATFORM_ID = Field("X-Platform-Id", ObjectId)

LONGEST_PLAIN = 255


def user_of(call: Call) -> str:
    """Return the user a request is about: a token's own customer, or whom the secret key names."""
    customer = call.known.customer
    if customer is not None:
        return customer.external_id
    user = _text(call, b"x-user-id", UserId)
    if user is None:
        raise field_fault(b"x-user-id", "This field is required with a secret key.")
    return user


def plan_of(call: Call) -> str | None:
    """Return the tier a secret key names for the user; a token names none."""
    return None if call.known.customer is not None else _text(call, b"x-user-plan", PlanName)


def idempotency_key(call: Call) -> str | None:
    """Return the request's idempotency key."""
    return _text(call, b"idempotency-key", IdempotencyKey)


def stated_cost(call: Call, in_body: int | None) -> int:
    """Return the cost, which the body or the field may say; 1 if neither does."""
    text = call.text(b"x-usage-cost")
    if text is None:
        return 1 if in_body is None else in_body
    # int() would also take signs, spaces, underscores and other scripts' digits.
    if not (text.isascii() and text.isdigit()):
        raise field_fault(b"x-usage-cost", "Expected a whole number of units, 0 or more.")
    cost = int(text[:20])
    _check(b"x-usage-cost", cost, Cost)
    if in_body is not None and in_body != cost:
        raise field_fault(b"x-usage-cost", "The body says another cost.")
    return cost


def _text(call: Call, name: bytes, hint: Any) -> str | None:
    text = call.text(name)
    # What is plainly fine is not looked at again: these are read on hot paths.
    if text is None or (len(text) <= LONGEST_PLAIN and text.isprintable()):
        return text
    _check(name, text, hint)
    return text


def _check(name: bytes, value: object, hint: Any) -> None:
    for fault in faults(value, hint):
        raise field_fault(name, fault.detail)
