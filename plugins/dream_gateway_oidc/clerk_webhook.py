"""What Clerk posts when a user changes, signed by the scheme of Standard Webhooks.

Clerk sends its fields as `svix-id`, `svix-timestamp` and `svix-signature`; the scheme's own names are
`webhook-*`. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hmac
import logging
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from dream_gateway.errors import ConfigurationError, InvalidCredentialError, InvalidRequestError
from dream_gateway.hookspecs import UserChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.clock import Clock

logger = logging.getLogger(__name__)

TOLERANCE_SECONDS = 300
"""How old a message may be, and how far ahead of this gateway's clock."""

LONGEST_ID = 255


Milliseconds = Annotated[int, Meta(ge=0, le=10**14)]


class Address(msgspec.Struct):
    """One of a user's addresses."""

    id: str
    email_address: str


class User(msgspec.Struct):
    """A user as the events show them; of a deleted one, only the id is there."""

    id: Annotated[str, Meta(min_length=1, max_length=255)]
    first_name: str | None = None
    last_name: str | None = None
    updated_at: Milliseconds = 0
    primary_email_address_id: str | None = None
    email_addresses: list[Address] = []


class Kind(msgspec.Struct):
    """An event, as far as its type."""

    type: str


class UserEvent(msgspec.Struct):
    """An event about a user."""

    data: User


class ClerkWebhook:
    """Reads the events `user.updated` and `user.deleted`: a `UserWebhook`.

    Any of the `secrets` may have signed: two are there while one is changed for another.
    """

    name = "clerk"

    def __init__(self, issuer: str, secrets: Sequence[str], clock: Clock) -> None:
        self._issuer = issuer
        self._secrets = [_secret(text) for text in secrets]
        self._now = clock.now

    def read(self, headers: Mapping[str, str], body: bytes) -> UserChange | None:
        """Return what is told of a user, `None` for other news."""
        message = self._verified(headers, body)
        try:
            kind = msgspec.json.decode(body, type=Kind).type
            if kind not in {"user.updated", "user.deleted"}:
                return None
            user = msgspec.json.decode(body, type=UserEvent).data
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise InvalidRequestError("The event cannot be read.") from exc
        return UserChange(
            id=message,
            issuer=self._issuer,
            subject=user.id,
            at=user.updated_at / 1000,
            deleted=kind == "user.deleted",
            email=_primary(user),
            first_name=user.first_name,
            last_name=user.last_name,
        )

    def _verified(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the id of a message that Clerk signed a short while ago."""
        message, sent, signatures = (
            headers.get(f"svix-{name}") or headers.get(f"webhook-{name}") or ""
            for name in ("id", "timestamp", "signature")
        )
        if not 0 < len(message) <= LONGEST_ID or not (sent.isascii() and sent.isdigit()):
            raise _refused("it is not signed")
        signed = f"{message}.{sent}.".encode("utf-8", "replace") + body
        expected = [_signature(secret, signed) for secret in self._secrets]
        given = [each.encode("utf-8", "replace") for each in signatures.split()[:8]]
        if not any(hmac.compare_digest(one, other) for one in expected for other in given):
            raise _refused("its signature is another's")
        if abs(self._now() - int(sent[:20])) > TOLERANCE_SECONDS:
            raise _refused("it is not of this time")
        return message


def _secret(text: str) -> bytes:
    encoded = text.removeprefix("whsec_")
    try:
        found = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (Base64Error, ValueError):
        found = b""
    if not found:
        raise ConfigurationError("plugins.clerk.users.webhook_secret: not one of Clerk's.")
    return found


def _signature(secret: bytes, signed: bytes) -> bytes:
    return b"v1," + b64encode(hmac.digest(secret, signed, "sha256"))


def _primary(user: User) -> str | None:
    return next(
        (a.email_address for a in user.email_addresses if a.id == user.primary_email_address_id),
        None,
    )


def _refused(why: str) -> InvalidCredentialError:
    """Return the error for a message that is not Clerk's; only the log says why."""
    logger.info("Refused a webhook of Clerk's: %s", why)
    return InvalidCredentialError()
