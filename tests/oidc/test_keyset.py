"""The cache of a provider's keys: rotation, outage, floods of unknown keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.errors import IdentityUnavailableError
from dream_gateway_oidc.keyset import (
    FRESH_SECONDS,
    MIN_REFRESH_SECONDS,
    MOST_KEYS,
    STALE_SECONDS,
    KeySet,
)
from dream_gateway_oidc.settings import ProviderSettings
from dream_gateway_oidc.web import MOST_BYTES, Provider

if TYPE_CHECKING:
    from tests.oidc.conftest import Issuer

    from dream_gateway.testing import FakeClock


class Source:
    """A JWKS that may change, fail, and take its time; counts how often it is read."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.document: object = {"keys": list(keys)}
        self.reads = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self) -> object:
        self.reads += 1
        await self.gate.wait()
        if self.away:
            raise IdentityUnavailableError
        return self.document


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_set_is_read_once_whoever_waits(issuer: Issuer, clock: FakeClock) -> None:
    source = Source(issuer.rsa_jwk(0, "one"))
    source.gate.clear()
    keys = KeySet(source.read, clock)
    waiting = [asyncio.create_task(keys.key("one", "RS256")) for _ in range(20)]
    await settle()
    waiting[0].cancel()
    await settle()
    source.gate.set()
    found = await asyncio.gather(*waiting[1:])
    assert source.reads == 1
    assert all(found)


async def test_a_rotated_key_is_found_and_unknown_ones_do_not_flood_the_provider(
    issuer: Issuer, clock: FakeClock
) -> None:
    source = Source(issuer.rsa_jwk(0, "one"))
    keys = KeySet(source.read, clock)
    assert await keys.key("one", "RS256")
    for number in range(100):
        assert await keys.key(f"unknown-{number}", "RS256") is None
    assert source.reads == 1
    source.document = {"keys": [issuer.rsa_jwk(1, "two")]}
    clock.advance(MIN_REFRESH_SECONDS)
    assert await keys.key("two", "RS256")
    assert await keys.key("one", "RS256") is None, "a key that was withdrawn"
    assert source.reads == 2


async def test_an_old_set_is_read_again_in_the_background(issuer: Issuer, clock: FakeClock) -> None:
    source = Source(issuer.rsa_jwk(0, "one"))
    keys = KeySet(source.read, clock)
    await keys.key("one", "RS256")
    clock.advance(FRESH_SECONDS)
    source.document = {"keys": []}
    source.gate.clear()
    assert await keys.key("one", "RS256"), "nobody waits for it"
    source.gate.set()
    await settle()
    assert source.reads == 2
    assert await keys.key("one", "RS256") is None


async def test_known_keys_serve_through_an_outage_but_not_for_ever(
    issuer: Issuer, clock: FakeClock
) -> None:
    source = Source(issuer.rsa_jwk(0, "one"))
    keys = KeySet(source.read, clock)
    await keys.key("one", "RS256")
    source.away = True
    clock.advance(STALE_SECONDS - 1)
    assert await keys.key("one", "RS256")
    await settle()
    clock.advance(MIN_REFRESH_SECONDS)
    with pytest.raises(IdentityUnavailableError):
        await keys.key("one", "RS256")
    source.away = False
    clock.advance(MIN_REFRESH_SECONDS)
    assert await keys.key("one", "RS256")


async def test_an_unknown_key_in_an_outage_is_no_bad_token(
    issuer: Issuer, clock: FakeClock
) -> None:
    source = Source(issuer.rsa_jwk(0, "one"))
    source.away = True
    keys = KeySet(source.read, clock)
    for _ in range(3):
        with pytest.raises(IdentityUnavailableError):
            await keys.key("one", "RS256")
    assert source.reads == 1, "an outage is no reason to ask more often"
    source.away = False
    clock.advance(MIN_REFRESH_SECONDS)
    assert await keys.key("one", "RS256")


async def test_without_an_id_only_what_cannot_be_mistaken(issuer: Issuer, clock: FakeClock) -> None:
    one, two = issuer.rsa_jwk(0, "one"), issuer.rsa_jwk(1, "two")
    assert await KeySet(Source(one, issuer.ec_jwk("ec")).read, clock).key(None, "RS256")
    assert await KeySet(Source(one, two).read, clock).key(None, "RS256") is None
    assert await KeySet(Source(one, {**two, "kid": "one"}).read, clock).key("one", "RS256") is None


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "kid": "one", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "one", "n": "AQAB"},
        {"kty": "RSA", "kid": "one", "n": 1, "e": 2},
        {"kty": "RSA", "kid": "one", "use": "enc", "n": "AQAB", "e": "AQAB"},
        "text",
    ],
    ids=str,
)
async def test_what_can_verify_nothing_is_not_used(key: Any, clock: FakeClock) -> None:
    assert await KeySet(Source(key).read, clock).key("one", "RS256") is None


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": "x"}])
async def test_what_is_no_jwks(document: object, clock: FakeClock) -> None:
    source = Source()
    source.document = document
    with pytest.raises(IdentityUnavailableError):
        await KeySet(source.read, clock).key("one", "RS256")


async def test_a_set_without_end_is_cut(issuer: Issuer, clock: FakeClock) -> None:
    many = [issuer.rsa_jwk(0, str(number)) for number in range(MOST_KEYS + 1)]
    keys = KeySet(Source(*many).read, clock)
    assert await keys.key(str(MOST_KEYS - 1), "RS256")
    assert await keys.key(str(MOST_KEYS), "RS256") is None


async def read(issuer: Issuer, jwks_uri: str = "") -> object:
    provider = Provider(ProviderSettings(issuer=issuer.url, jwks_uri=jwks_uri))
    try:
        return await provider.keys()
    finally:
        await provider.aclose()


async def test_the_keys_are_discovered_or_where_the_settings_say(issuer: Issuer) -> None:
    assert await read(issuer) == issuer.documents["/keys"]
    assert issuer.read == ["/.well-known/openid-configuration", "/keys"]
    assert await read(issuer, jwks_uri=issuer.jwks_uri) == issuer.documents["/keys"]
    assert issuer.read[2:] == ["/keys"]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://another.example", "jwks_uri": "http://127.0.0.1/keys"},
        {"jwks_uri": "http://127.0.0.1/keys"},
        {"issuer": "URL", "jwks_uri": "http://example.com/keys"},
        {"issuer": "URL", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "URL"},
        "text",
    ],
    ids=str,
)
async def test_a_discovery_document_that_is_not_to_be_trusted(
    issuer: Issuer, document: Any
) -> None:
    if isinstance(document, dict) and document.get("issuer") == "URL":
        document = {**document, "issuer": issuer.url}
    issuer.documents["/.well-known/openid-configuration"] = document
    with pytest.raises(IdentityUnavailableError):
        await read(issuer)
    assert "/keys" not in issuer.read


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_an_answer_that_is_none(issuer: Issuer, status: int) -> None:
    issuer.status = status
    with pytest.raises(IdentityUnavailableError):
        await read(issuer)


async def test_an_answer_without_end(issuer: Issuer) -> None:
    issuer.documents["/keys"] = {"keys": ["x" * MOST_BYTES]}
    with pytest.raises(IdentityUnavailableError):
        await read(issuer)


async def test_a_provider_that_is_not_there(issuer: Issuer) -> None:
    with pytest.raises(IdentityUnavailableError):
        await read(issuer, jwks_uri="http://127.0.0.1:1/keys")
