"""Developers' tokens that are really signed and verified: EdDSA (RFC 8037), one issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.hookspecs import Identified

if TYPE_CHECKING:
    from dream_gateway.clock import Clock

ISSUER = "https://developers.example.com"
AUDIENCE = "dream-gateway"
LIFE_SECONDS = 3600


class SignedTokens:
    """An identity provider of one key, and the verifier of its tokens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = Ed25519PrivateKey.generate()

    def sign(self, subject: str, email: str | None = None, *, verified: bool = True) -> str:
        """Return a token."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(self._clock.now()) + LIFE_SECONDS,
            "email": email,
            "email_verified": verified,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    async def verify(self, token: str) -> Identified | None:
        """Return whom a token names; `None` for what is no JWT."""
        if token.count(".") != 2:
            return None
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"verify_exp": False},
            )
        except jwt.PyJWTError as exc:
            raise InvalidCredentialError from exc
        if claims["exp"] <= self._clock.now():
            raise InvalidCredentialError
        return Identified(
            ISSUER,
            claims["sub"],
            email=claims["email"],
            email_verified=claims["email_verified"],
            expires_at=claims["exp"],
        )
