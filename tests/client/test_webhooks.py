"""Messages that a library of somebody else's signed, and such that were changed on their way."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from dream_gateway.client import DreamError, WebhookVerificationError, verify_webhook
from dream_gateway.notices.signing import fields, mint

NOW = 1_800_000_000
SECRET, OTHER = mint(), mint()
BODY = json.dumps({"type": "key.revoked", "data": {"keyId": "key_1"}}).encode()


def signed(secret: str, body: bytes = BODY, at: float = NOW) -> dict[str, str]:
    made = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(at)), "Webhook-Signature": made}


def test_what_was_signed_is_read() -> None:
    assert verify_webhook(BODY, signed(SECRET), SECRET, now=NOW)["type"] == "key.revoked"


def test_what_the_gateway_signs_with_two_secrets_holds_by_either() -> None:
    headers = fields([SECRET, OTHER], "msg_1", NOW, BODY)
    for secret in (SECRET, OTHER, [mint(), OTHER]):
        assert verify_webhook(BODY, headers, secret, now=NOW)


@pytest.mark.parametrize(
    ("body", "headers", "now"),
    [
        (BODY + b" ", signed(SECRET), NOW),
        (BODY, signed(OTHER), NOW),
        (BODY, signed(SECRET) | {"Webhook-Id": "msg_2"}, NOW),
        (BODY, signed(SECRET) | {"Webhook-Timestamp": str(NOW + 1)}, NOW),
        (BODY, signed(SECRET) | {"Webhook-Timestamp": "soon"}, NOW),
        (BODY, signed(SECRET) | {"Webhook-Signature": "v1,é"}, NOW),
        (BODY, signed(SECRET) | {"Webhook-Signature": "v1,\udc80"}, NOW),
        (BODY, signed(SECRET), NOW + 301),
        (BODY, signed(SECRET), NOW - 301),
        (BODY, {}, NOW),
        (b"[1]", signed(SECRET, b"[1]"), NOW),
    ],
)
def test_anything_else_is_refused(body: bytes, headers: dict[str, str], now: float) -> None:
    with pytest.raises(WebhookVerificationError) as refused:
        verify_webhook(body, headers, SECRET, now=now)
    assert isinstance(refused.value, DreamError)
    assert refused.value.code == "invalid_signature"


@pytest.mark.parametrize("secret", ["", "whsec_", "!!", "whsec_dG9vIHNob3J0"])
def test_what_is_no_secret_checks_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64"):
        verify_webhook(BODY, signed(SECRET), secret, now=NOW)
