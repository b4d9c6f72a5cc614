"""Webhook messages checked by who receives them (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import time
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.client.errors import DreamError
from dream_gateway.signatures import signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOLERANCE = 300.0
"""Seconds that a message may be old, or ahead: a longer one may be somebody's who has kept it."""


class WebhookVerificationError(DreamError):
    """The message is not from whom it says, or not of now. Answer 400, and do nothing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="invalid_signature")


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    now: float | None = None,
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """Return the message that `body` is, as it was received, if it was signed with a secret.

    `secret` is `whsec_...`, or several while they change. A message that comes again has the same
    `webhook-id`: remember those, and take each once. Raises `WebhookVerificationError`, and `ValueError`
    for a secret that is none.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, signatures = found["webhook-id"], found["webhook-signature"]
        timestamp = int(found["webhook-timestamp"])
    except (KeyError, ValueError) as error:
        raise WebhookVerificationError("The message is not signed.") from error
    if abs((time.time() if now is None else now) - timestamp) > tolerance:
        raise WebhookVerificationError("The message is too old, or from the future.")
    secrets = [secret] if isinstance(secret, str) else secret
    expected = [signature(each, message_id, timestamp, body) for each in secrets]
    if not any(_same(given, each) for given in signatures.split() for each in expected):
        raise WebhookVerificationError("The signature is not of this message.")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise WebhookVerificationError("The message is no JSON object.") from error


def _same(given: str, expected: str) -> bool:
    return compare_digest(given.encode(errors="replace"), expected.encode())
