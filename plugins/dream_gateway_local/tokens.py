"""Access tokens: JWTs (RFC 7519) that hold for minutes, and what a verified one says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import jwt

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.hookspecs import Identified, SignedIn
from dream_gateway_local.keyring import ALGORITHM

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway_local.accounts import Account
    from dream_gateway_local.keyring import Keyring

LEEWAY_SECONDS = 5.0
LONGEST = 8192


class Tokens:
    """Makes and verifies the tokens of one app; an `Identity` of the gateway."""

    def __init__(self, issuer: str, keyring: Keyring, clock: Clock, lasts: float) -> None:
        self.issuer = issuer
        self._keyring = keyring
        self._clock = clock
        self._lasts = lasts

    async def issue(self, account: Account, publishable_key: str | None) -> SignedIn:
        """Return a token for an account; an end user's names the project by its publishable key."""
        now, key = self._clock.now(), await self._keyring.signing()
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": account.id,
            "iat": int(now),
            "exp": int(now + self._lasts),
            "jti": secrets.token_urlsafe(12),
            "email": account.email,
            "email_verified": account.email_verified,
            "given_name": account.first_name,
            "family_name": account.last_name,
            "publishableKey": publishable_key,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.id})
        return SignedIn(token, int(now + self._lasts), account.id, account.email)

    async def verify(self, token: str) -> Identified | None:
        """Return whom a token names, `None` if no key of this app signed it."""
        found = await self._verify(token)
        if found is not None and (found.expires_at or 0.0) + LEEWAY_SECONDS <= self._clock.now():
            raise InvalidCredentialError
        return found

    async def _verify(self, token: str) -> Identified | None:
        try:
            head = jwt.get_unverified_header(token) if len(token) <= LONGEST else {}
        except jwt.InvalidTokenError:
            return None
        key = await self._keyring.find(str(head.get("kid", "")))
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token,
                key.verifier,
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                # Times are told by the gateway's clock, in `verify`.
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as exc:
            raise InvalidCredentialError from exc
        return _identified(self.issuer, claims)


def _identified(issuer: str, claims: dict[str, Any]) -> Identified:
    return Identified(
        issuer=issuer,
        subject=claims["sub"],
        email=claims.get("email"),
        email_verified=claims.get("email_verified") is True,
        tenant=claims.get("publishableKey"),
        first_name=claims.get("given_name"),
        last_name=claims.get("family_name"),
        expires_at=float(claims["exp"]),
    )
