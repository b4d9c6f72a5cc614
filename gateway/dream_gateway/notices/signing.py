"""The secrets that sign messages (`signatures`), and what they sign.

A secret is `whsec_` and 32 random bytes in base64. It is read again to sign, so it is kept sealed.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway.records.sealed import PREVIOUS_WEBHOOK_SECRET, WEBHOOK_SECRET
from dream_gateway.signatures import PREFIX, signature

if TYPE_CHECKING:
    from dream_gateway.records.webhook_endpoints import Endpoint
    from dream_gateway.vault import Vault

SECRET_BYTES = 32


def mint() -> str:
    """Return a new secret."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def fields(keys: list[str], message_id: str, now: float, body: bytes) -> dict[str, str]:
    """Return the header fields of one attempt, signed with each secret that holds."""
    timestamp = int(now)
    signatures = [signature(key, message_id, timestamp, body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def sealed(vault: Vault, endpoint: Endpoint, secret: str) -> Endpoint:
    """Return an endpoint with another secret. Raises `ConfigurationError` if nothing can be sealed."""
    context = WEBHOOK_SECRET.context(endpoint.id)
    return replace(endpoint, secret=vault.seal(secret.encode(), context))


def rotated(vault: Vault, endpoint: Endpoint, secret: str, until: float | None) -> Endpoint:
    """Return an endpoint with another secret; the one it has signs as well `until` then."""
    if until is None:
        return sealed(vault, replace(endpoint, previous_secret=None, previous_until=None), secret)
    old = vault.open(endpoint.secret, WEBHOOK_SECRET.context(endpoint.id))
    context = PREVIOUS_WEBHOOK_SECRET.context(endpoint.id)
    kept = replace(endpoint, previous_secret=vault.seal(old, context), previous_until=until)
    return sealed(vault, kept, secret)


def opened(vault: Vault, endpoint: Endpoint, now: float) -> list[str]:
    """Return the secrets that sign for an endpoint, the newest first.

    Raises `EncryptionKeyMissingError` and `SealBrokenError`.
    """
    found = [vault.open(endpoint.secret, WEBHOOK_SECRET.context(endpoint.id))]
    previous, until = endpoint.previous_secret, endpoint.previous_until
    if previous is not None and until is not None and now < until:
        found.append(vault.open(previous, PREVIOUS_WEBHOOK_SECRET.context(endpoint.id)))
    return [secret.decode() for secret in found]
