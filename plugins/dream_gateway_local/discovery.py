"""The documents by which others verify the tokens: JWK Set (RFC 7517) and provider metadata.

The metadata (OpenID Connect Discovery 1.0) tells what is true and no more: there is no authorization or
token endpoint of OAuth here, so the plain subset for verifying tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from dream_gateway_local.keyring import ALGORITHM

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_local.keyring import Keyring

JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/openid-configuration"
CLAIMS = (
    "iss", "sub", "iat", "exp", "jti", "email", "email_verified", "given_name", "family_name",
    "publishableKey",
)  # fmt: skip
HEADERS = {
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
}


class Discovery:
    """The documents of one app, below its issuer."""

    def __init__(self, issuer: str, keyring: Keyring) -> None:
        self._issuer = issuer
        self._keyring = keyring

    async def key_set(self) -> Response:
        """Return the keys that sign now, or signed what has not expired, or will sign soon."""
        return JSONResponse({"keys": await self._keyring.published()}, headers=HEADERS)

    async def metadata(self) -> Response:
        """Return what there is to know of the issuer."""
        return JSONResponse(
            {
                "issuer": self._issuer,
                "jwks_uri": self._issuer + JWKS,
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "subject_types_supported": ["public"],
                "claims_supported": list(CLAIMS),
            },
            headers=HEADERS,
        )
