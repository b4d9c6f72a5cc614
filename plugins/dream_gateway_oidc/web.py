"""What is read from a provider over HTTP: bounded, without redirects, every failure one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import msgspec

from dream_gateway.errors import ConfigurationError, IdentityUnavailableError
from dream_gateway_oidc.settings import check_url

if TYPE_CHECKING:
    from dream_gateway_oidc.settings import ProviderSettings

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 262_144
"""Bytes of an answer that are read: a JWKS has a few thousand."""


def client(base_url: str = "", headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """Return a client; it follows no redirects."""
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS)


class Provider:
    """Finds and reads the keys of one provider."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._issuer = settings.issuer
        self._jwks_uri = settings.jwks_uri
        self._client = client()

    async def keys(self) -> object:
        """Return the JSON of the provider's JWKS. Raises `IdentityUnavailableError`."""
        if not self._jwks_uri:
            self._jwks_uri = await self._discover()
        return await self._get(self._jwks_uri)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _discover(self) -> str:
        """Return where the keys are (OpenID Connect Discovery 1.0, 4)."""
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await self._get(url)
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise IdentityUnavailableError("The discovery document is another issuer's.")
        uri = document.get("jwks_uri")
        try:
            check_url(uri if isinstance(uri, str) else "", "jwks_uri")
        except ConfigurationError as exc:
            raise IdentityUnavailableError("The discovery document has no good jwks_uri.") from exc
        return str(uri)

    async def _get(self, url: str) -> object:
        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise IdentityUnavailableError(
                        f"The identity provider answered {answer.status_code}."
                    )
                return msgspec.json.decode(await _body(answer))
        except (httpx.HTTPError, msgspec.DecodeError) as exc:
            raise IdentityUnavailableError from exc


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise IdentityUnavailableError("The identity provider's answer is too long.")
    return bytes(body)
