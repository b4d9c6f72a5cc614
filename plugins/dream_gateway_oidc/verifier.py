"""Tokens of one issuer: signature, times, audience and party (RFC 7519, OpenID Connect Core 3.1.3.7).

A token is read before it is verified for one purpose: to tell whether it is of this issuer at all.
What it is verified with and against comes from the settings.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import jwt

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.hookspecs import Identified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dream_gateway.clock import Clock
    from dream_gateway_oidc.keyset import KeySet
    from dream_gateway_oidc.settings import ClaimNames, ProviderSettings
    from dream_gateway_oidc.web import Provider

logger = logging.getLogger(__name__)

LONGEST_SUBJECT = 255
"""Characters: OpenID Connect Core 2 allows no more."""

TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What the `typ` of an ID or access token may be; a logout token has another."""


class TokenVerifier:
    """Verifies the tokens of one application: an `Identity`.

    `faults` may return what else is wrong with a token's header; empty: nothing.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        provider: Provider,
        keys: KeySet,
        clock: Clock,
        faults: Callable[[Mapping[str, Any]], str] | None = None,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._keys = keys
        self._now = clock.now
        self._faults = faults

    async def verify(self, token: str) -> Identified | None:
        """Return whom a token names: see `dream_gateway.hookspecs.Identity`."""
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return None
        if unverified.get("iss") != self._settings.issuer:
            return None
        fault = self._fault_of(header)
        if fault:
            raise _refused(fault)
        key = await self._keys.key(header.get("kid"), header["alg"])
        if key is None:
            raise _refused("a key that the provider does not have")
        return self._identified(self._claims(token, header["alg"], key))

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        await self._keys.aclose()
        await self._provider.aclose()

    def _fault_of(self, header: Mapping[str, Any]) -> str:
        if header.get("alg") not in self._settings.algorithms:
            return "an algorithm that is not allowed"
        if str(header.get("typ") or "").lower() not in TYPES:
            return "another type of token"
        return self._faults(header) if self._faults is not None else ""

    def _claims(self, token: str, algorithm: str, key: jwt.PyJWK) -> dict[str, Any]:
        """Return the claims of a token that is signed and meant for this application."""
        audience = self._settings.audience
        try:
            claims = jwt.decode(
                token,
                key=key,
                algorithms=[algorithm],
                issuer=self._settings.issuer,
                audience=audience or None,
                options={
                    "require": ["exp", "iss", "sub"],
                    "verify_aud": bool(audience),
                    # By this gateway's clock, below.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as exc:
            raise _refused(type(exc).__name__) from exc
        fault = self._untimely(claims) or self._fault_in(claims)
        if fault:
            raise _refused(fault)
        return claims

    def _untimely(self, claims: Mapping[str, Any]) -> str:
        now, leeway = self._now(), self._settings.leeway
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        if not all(_is_time(value) for value in times.values()):
            return "times that are none"
        if now >= times["exp"] + leeway:
            return "expired"
        late = any(times.get(name, now) > now + leeway for name in ("nbf", "iat"))
        return "from the future" if late else ""

    def _fault_in(self, claims: Mapping[str, Any]) -> str:
        parties = self._settings.authorized_parties
        if parties and claims.get("azp") not in parties:
            return "a party that is not authorized"
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            return "a subject that is none"
        return "" if subject.isprintable() else "a subject that is none"

    def _identified(self, claims: Mapping[str, Any]) -> Identified:
        names: ClaimNames = self._settings.claims
        return Identified(
            issuer=self._settings.issuer,
            subject=claims["sub"],
            email=_text(claims, names.email),
            # Some providers write booleans as text.
            email_verified=claims.get(names.email_verified) in (True, "true"),
            tenant=_text(claims, names.tenant),
            first_name=_text(claims, names.first_name),
            last_name=_text(claims, names.last_name),
            expires_at=claims["exp"] + self._settings.leeway,
        )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name) if name else None
    return value if isinstance(value, str) and value else None


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12


def _refused(why: str) -> InvalidCredentialError:
    """Return the error for a token that does not hold; only the log says why."""
    logger.info("Refused a token: %s", why)
    return InvalidCredentialError()
