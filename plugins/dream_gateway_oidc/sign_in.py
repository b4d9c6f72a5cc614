"""Developers sign in to the dashboard: code flow with PKCE (OpenID Connect Core 3.1, RFC 7636).

What has to be known again when the browser comes back is derived from the secret in its cookie: the
verifier of the code, and the nonce of the ID token.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt

from dream_gateway.errors import InvalidCodeError, InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.hookspecs import Identified
    from dream_gateway_oidc.settings import ProviderSettings
    from dream_gateway_oidc.verifier import TokenVerifier
    from dream_gateway_oidc.web import Provider


class OidcSignIn:
    """A `DeveloperSignIn` at one provider. `verifier` is for ID tokens: their audience is the client."""

    def __init__(
        self, settings: ProviderSettings, provider: Provider, verifier: TokenVerifier, name: str
    ) -> None:
        self.name = name
        self._settings = settings
        self._provider = provider
        self._verifier = verifier
        self.label = settings.label or urlsplit(settings.issuer).hostname or "OpenID Connect"

    async def url(self, return_url: str, state: str, secret: str, *, sign_up: bool) -> str:
        """Return the provider's page. Raises `IdentityUnavailableError`."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": return_url,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": _derived(secret, "nonce"),
            "code_challenge": _base64(sha256(_derived(secret, "verifier").encode()).digest()),
            "code_challenge_method": "S256",
        }
        if sign_up:
            # Providers that do not know the word pass it over (OpenID Connect Prompt Create 1.0).
            asked["prompt"] = "create"
        page = await self._provider.endpoint("authorization_endpoint")
        return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"

    async def finish(
        self, parameters: Mapping[str, str], return_url: str, secret: str
    ) -> Identified:
        """Take the code to the provider, and return whom its ID token names."""
        code = parameters.get("code", "")
        # Who answers says so, lest another provider's answer be taken for theirs (RFC 9207).
        if not code or parameters.get("iss", self._settings.issuer) != self._settings.issuer:
            raise InvalidCodeError
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "client_id": self._settings.client_id,
            "code_verifier": _derived(secret, "verifier"),
        }
        token = await self._provider.redeem(form, self._credentials())
        try:
            found = await self._verifier.verify(token)
        except InvalidCredentialError as exc:
            raise InvalidCodeError from exc
        if found is None or not _has_nonce(token, _derived(secret, "nonce")):
            raise InvalidCodeError
        return found

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        await self._verifier.aclose()

    def _credentials(self) -> tuple[str, str] | None:
        """Return user and password of the client (RFC 6749 2.3.1), `None` for a public one."""
        if not self._settings.client_secret:
            return None
        return quote_plus(self._settings.client_id), quote_plus(self._settings.client_secret)


def _has_nonce(token: str, nonce: str) -> bool:
    """Return whether a token, which was verified, answers what was asked in this browser."""
    claims = jwt.decode(token, options={"verify_signature": False})
    given = claims.get("nonce")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), nonce.encode())


def _derived(secret: str, purpose: str) -> str:
    return _base64(hmac.new(secret.encode(), purpose.encode(), sha256).digest())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
