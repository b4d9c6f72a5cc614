"""Tokens of an OpenID Connect provider: which hold, which do not, and which are somebody else's."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest
from tests.oidc.conftest import AUDIENCE, TENANT

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.hookspecs import Identified
from dream_gateway_oidc.plugin import verifier
from dream_gateway_oidc.settings import ClaimNames, ProviderSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.oidc.conftest import Issuer

    from dream_gateway.testing import FakeClock
    from dream_gateway_oidc.verifier import TokenVerifier

    Make = Callable[..., TokenVerifier]


@pytest.fixture
async def make(issuer: Issuer, clock: FakeClock) -> AsyncIterator[Make]:
    """Return how to make a verifier of the issuer's tokens, with other settings if need be."""
    made: list[TokenVerifier] = []

    def one(**changes: Any) -> TokenVerifier:
        settings = ProviderSettings(**{"issuer": issuer.url, "audience": (AUDIENCE,), **changes})
        made.append(verifier(settings, clock))
        return made[-1]

    yield one
    for each in made:
        await each.aclose()


async def test_whom_a_token_names(make: Make, issuer: Issuer) -> None:
    token = issuer.token(email="a@example.com", email_verified=True, given_name="Ada")
    assert await make().verify(token) == Identified(
        issuer.url,
        "user-1",
        "a@example.com",
        email_verified=True,
        tenant=TENANT,
        first_name="Ada",
        expires_at=issuer.claims()["exp"] + 5.0,
    )


async def test_claims_by_the_names_they_are_given(make: Make, issuer: Issuer) -> None:
    names = ClaimNames(tenant="https://example.com/pk", email="mail", first_name="", last_name="sn")
    claims: dict[str, Any] = {"https://example.com/pk": "pk_1", "sn": 7, "given_name": "No"}
    token = issuer.token(mail="a@example.com", **claims)
    found = await make(claims=names).verify(token)
    assert found is not None
    assert (found.tenant, found.email) == ("pk_1", "a@example.com")
    assert (found.first_name, found.last_name) == (None, None)


async def test_a_plan_in_a_token_is_nobodys_business(make: Make, issuer: Issuer) -> None:
    plain, boasting = issuer.token(), issuer.token(plan="pro", tier="pro")
    assert await make().verify(plain) == await make().verify(boasting)


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c", "eyJ.eyJ.", "ak_test_" + "x" * 36])
async def test_what_is_no_token_is_not_ours(make: Make, issuer: Issuer, text: str) -> None:
    assert await make().verify(text) is None
    assert issuer.read == []


async def test_another_issuers_token_is_not_ours_and_moves_nobody_to_ask_it(
    make: Make, issuer: Issuer
) -> None:
    for iss in (f"{issuer.url}/", "http://127.0.0.1:1", None):
        assert await make().verify(issuer.token(iss=iss)) is None
    assert issuer.read == []


def hs256(issuer: Issuer) -> str:
    """Sign with the public key as if it were a shared secret."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    unsigned = issuer.forged(header).rpartition(".")[0]
    mac = hmac.new(issuer.pem(), unsigned.encode(), hashlib.sha256).digest()
    return issuer.forged(header, mac)


async def test_algorithm_confusion(make: Make, issuer: Issuer) -> None:
    good = issuer.token()
    forged = [
        hs256(issuer),
        issuer.forged({"alg": "none", "kid": "one"}),
        issuer.forged({"alg": "None", "kid": "one"}),
        issuer.forged({"alg": "RS256", "kid": "one"}),
        issuer.forged({"kid": "one"}, b"x"),
        issuer.token(algorithm="RS512"),
        issuer.token(algorithm="PS256"),
        issuer.token(key=issuer.keys.ec, algorithm="ES256"),
    ]
    each = make()
    assert await each.verify(good) is not None
    for token in forged:
        with pytest.raises(InvalidCredentialError):
            assert await each.verify(token) is not None


async def test_a_key_serves_its_own_algorithm_only(make: Make, issuer: Issuer) -> None:
    issuer.publish(issuer.rsa_jwk(0, "one", alg="RS512"))
    each = make(algorithms=("RS256", "RS512"))
    assert await each.verify(issuer.token(algorithm="RS512")) is not None
    with pytest.raises(InvalidCredentialError):
        await each.verify(issuer.token())


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
async def test_the_algorithms_that_are_allowed(make: Make, issuer: Issuer, algorithm: str) -> None:
    issuer.publish(issuer.rsa_jwk(0, "one"), issuer.ec_jwk("two"))
    by_ec = algorithm == "ES256"
    token = issuer.token(
        key=issuer.keys.ec if by_ec else None,
        algorithm=algorithm,
        headers={"kid": "two" if by_ec else "one"},
    )
    assert await make(algorithms=(algorithm,)).verify(token) is not None


async def test_a_signature_of_another_key(make: Make, issuer: Issuer) -> None:
    with pytest.raises(InvalidCredentialError):
        await make().verify(issuer.token(key=issuer.keys.rsa[1]))
    head, claims, signature = issuer.token().split(".")
    other = issuer.token(sub="user-2").split(".")[1]
    assert claims != other
    with pytest.raises(InvalidCredentialError):
        await make().verify(f"{head}.{other}.{signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"exp": None},
        {"exp": "never"},
        {"exp": True},
        {"nbf": "soon"},
    ],
    ids=str,
)
async def test_claims_that_do_not_do(make: Make, issuer: Issuer, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredentialError):
        await make().verify(issuer.token(**changes))


async def test_one_audience_of_several(make: Make, issuer: Issuer) -> None:
    assert await make().verify(issuer.token(aud=["another", AUDIENCE])) is not None


async def test_authorized_parties(make: Make, issuer: Issuer) -> None:
    each = make(audience=(), authorized_parties=("https://app.example.com", "other"))
    assert await each.verify(issuer.token(azp="other", aud=None)) is not None
    for azp in ("https://app.example.com.evil.example", "", None):
        with pytest.raises(InvalidCredentialError):
            await each.verify(issuer.token(azp=azp))


async def test_times_by_this_gateways_clock(make: Make, issuer: Issuer, clock: FakeClock) -> None:
    each, token = make(leeway=5.0), issuer.token()
    clock.advance(64.9)
    assert await each.verify(token) is not None
    clock.advance(0.1)
    with pytest.raises(InvalidCredentialError):
        await each.verify(token)


def at(claim: str, time: int) -> dict[str, Any]:
    return {claim: time}


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_from_the_future(make: Make, issuer: Issuer, claim: str) -> None:
    now = int(issuer.clock.now())
    assert await make().verify(issuer.token(**at(claim, now + 5))) is not None
    with pytest.raises(InvalidCredentialError):
        await make().verify(issuer.token(**at(claim, now + 6)))


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt"])
async def test_another_type_of_token(make: Make, issuer: Issuer, kind: str) -> None:
    assert await make().verify(issuer.token(headers={"typ": "at+jwt"})) is not None
    with pytest.raises(InvalidCredentialError):
        await make().verify(issuer.token(headers={"typ": kind}))


async def test_a_token_that_demands_more_than_is_understood(make: Make, issuer: Issuer) -> None:
    token = issuer.token(headers={"crit": ["exp"], "exp": 1})
    assert await make().verify(token) is None
