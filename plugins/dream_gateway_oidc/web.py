"""What is read from a provider over HTTP: bounded, without redirects, every failure one error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import msgspec

from dream_gateway.errors import ConfigurationError, IdentityUnavailableError, InvalidCodeError
from dream_gateway.origins import check_confidential

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway_oidc.settings import ProviderSettings

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 262_144
"""Bytes of an answer that are read: a JWKS has a few thousand."""


def client(base_url: str = "", headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """Return a client; it follows no redirects."""
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS)


class Provider:
    """Finds and reads the keys of one provider, and redeems its codes."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._issuer = settings.issuer
        self._jwks_uri = settings.jwks_uri
        self._document: Mapping[str, object] | None = None
        self._client = client()

    async def keys(self) -> object:
        """Return the JSON of the provider's JWKS. Raises `IdentityUnavailableError`."""
        if not self._jwks_uri:
            self._jwks_uri = await self.endpoint("jwks_uri")
        return await self._get(self._jwks_uri)

    async def endpoint(self, name: str) -> str:
        """Return an address of the discovery document. Raises `IdentityUnavailableError`."""
        if self._document is None:
            self._document = await self._discover()
        url = self._document.get(name)
        try:
            check_confidential(url.partition("?")[0] if isinstance(url, str) else "", name)
        except ConfigurationError as exc:
            raise IdentityUnavailableError(f"The discovery document has no good {name}.") from exc
        return str(url)

    async def redeem(self, form: Mapping[str, str], credentials: tuple[str, str] | None) -> str:
        """Return the ID token for a code (RFC 6749 4.1.3).

        Raises `InvalidCodeError` if the provider does not take it, and `IdentityUnavailableError`.
        """
        url = await self.endpoint("token_endpoint")
        auth = httpx.USE_CLIENT_DEFAULT if credentials is None else httpx.BasicAuth(*credentials)
        try:
            async with self._client.stream("POST", url, data=dict(form), auth=auth) as answer:
                if 400 <= answer.status_code < 500:
                    logger.warning("A code was refused by %s: %s", url, await _refusal(answer))
                    raise InvalidCodeError
                if answer.status_code != 200:
                    raise _failed(answer.status_code)
                told = msgspec.json.decode(await _body(answer))
        except (httpx.HTTPError, msgspec.DecodeError) as exc:
            raise IdentityUnavailableError from exc
        token = told.get("id_token") if isinstance(told, dict) else None
        if not isinstance(token, str):
            raise IdentityUnavailableError("The identity provider gave no ID token.")
        return token

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _discover(self) -> Mapping[str, object]:
        """Return the issuer's document (OpenID Connect Discovery 1.0, 4)."""
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await self._get(url)
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise IdentityUnavailableError("The discovery document is another issuer's.")
        return document

    async def _get(self, url: str) -> object:
        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise _failed(answer.status_code)
                return msgspec.json.decode(await _body(answer))
        except (httpx.HTTPError, msgspec.DecodeError) as exc:
            raise IdentityUnavailableError from exc


async def _refusal(answer: httpx.Response) -> str:
    """Return the provider's word for why, which is made for programs (RFC 6749 5.2), and the status."""
    try:
        told = msgspec.json.decode(await _body(answer))
    except (IdentityUnavailableError, httpx.HTTPError, msgspec.DecodeError):
        told = None
    word = told.get("error") if isinstance(told, dict) else None
    return (
        f"{answer.status_code}, {word!r:.80}" if isinstance(word, str) else str(answer.status_code)
    )


def _failed(status: int) -> IdentityUnavailableError:
    return IdentityUnavailableError(f"The identity provider answered {status}.")


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise IdentityUnavailableError("The identity provider's answer is too long.")
    return bytes(body)
