"""Finds keys in a request's raw headers. Any bytes will do: none of them break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from dream_gateway.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.http.asgi import Headers

_KEY_PREFIX = b"ak_"
_BEARER = b"bearer "


class Found(NamedTuple):
    """A customer key, and where it was: what has to go before the request goes on.

    Beside a `publishable` key, `secret` is an end user's token.
    """

    secret: str
    in_authorization: bool
    in_api_key: bool
    in_query: bool
    in_clerk_token: bool = False
    publishable: str | None = None


def find_credential(
    headers: Headers,
    query: bytes = b"",
    parameter: bytes | None = None,
    fields: dict[bytes, bytes] | None = None,
) -> Found | None:
    """Return the customer key of a request, `None` if it has none.

    It is `Authorization: Bearer` (RFC 6750) or `X-API-Key`, and the query parameter named
    `parameter` if one is. Beside another key, a bearer token that does not begin with `ak_` is not
    ours: it belongs to the upstream. Without a key, an `X-Publishable-Key` makes an end user's token of
    `X-Clerk-Token` or else the bearer token. `fields` may be given to spare making a dictionary.
    Raises `InvalidCredentialError` if two keys differ.
    """
    if fields is None:
        fields = dict(headers)
    if len(fields) == len(headers):
        bearer = bearer_token(fields.get(b"authorization", b""))
        api_key = fields.get(b"x-api-key", b"").strip() or None
    else:
        bearer, api_key = _among_repeated(headers)
    asked = _from_query(query, parameter) if parameter and query else None
    other = _same(api_key, asked)
    if other is not None and not _is_key(bearer):
        bearer = None
    if other is None and b"x-publishable-key" in fields and not _is_key(bearer):
        return _token(headers, bearer)
    secret = _same(bearer, other)
    if secret is None:
        return None
    return Found(
        secret.decode("latin-1"), bearer is not None, api_key is not None, asked is not None
    )


def _is_key(bearer: bytes | None) -> bool:
    return bearer is not None and bearer.startswith(_KEY_PREFIX)


def _token(headers: Headers, bearer: bytes | None) -> Found | None:
    """Return an end user's token and the publishable key beside it."""
    publishable = _one(headers, b"x-publishable-key")
    clerk = _one(headers, b"x-clerk-token")
    token = clerk or bearer
    if token is None or publishable is None:
        return None
    return Found(
        token.decode("latin-1"),
        in_authorization=clerk is None,
        in_api_key=False,
        in_query=False,
        in_clerk_token=clerk is not None,
        publishable=publishable.decode("latin-1"),
    )


def _one(headers: Headers, wanted: bytes) -> bytes | None:
    """Return the one value of a field; which of two that differ is meant cannot be known."""
    found = None
    for name, value in headers:
        if name == wanted:
            found = _same(found, value.strip() or None)
    return found


def bearer_token(value: bytes) -> bytes | None:
    """Return the token of an `Authorization` value, `None` for any other scheme (RFC 6750)."""
    if value[:7].lower() != _BEARER:
        return None
    return value[7:].strip() or None


def drop_parameter(query: bytes, parameter: bytes) -> bytes:
    """Return a query string without a parameter, everything else as it was."""
    kept = [p for p in query.split(b"&") if _parameter_name(p) != parameter]
    return b"&".join(kept)


def _among_repeated(headers: Headers) -> tuple[bytes | None, bytes | None]:
    """Return the bearer token and the API key where a field may be there twice."""
    bearer = api_key = None
    for name, value in headers:
        if name == b"authorization":
            bearer = _same(bearer, bearer_token(value))
        elif name == b"x-api-key":
            api_key = _same(api_key, value.strip() or None)
    return bearer, api_key


def _same(one: bytes | None, other: bytes | None) -> bytes | None:
    """Return the one there is; which of two that differ is meant cannot be known."""
    if one is None:
        return other
    if other is None or one == other:
        return one
    raise InvalidCredentialError


def _from_query(query: bytes, parameter: bytes) -> bytes | None:
    found: Sequence[bytes] = [
        unquote_to_bytes(part.partition(b"=")[2].replace(b"+", b" "))
        for part in query.split(b"&")
        if _parameter_name(part) == parameter
    ]
    secret = None
    for value in found:
        secret = _same(secret, value or None)
    return secret


def _parameter_name(part: bytes) -> bytes:
    return unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" "))
