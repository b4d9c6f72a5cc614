"""Who may call what: every operation against every kind of caller."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.hookspecs import Identified
from dream_gateway.service.authentication import Auth

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant

    from dream_gateway.gateway import Gateway
    from dream_gateway.hookspecs import Identity
    from dream_gateway.service.app import Service
    from dream_gateway.service.operation import Operation


class TokenOf:
    """Verifies the token `good`, and knows `bad` for one of its own that does not hold."""

    async def verify(self, token: str) -> Identified | None:
        if token == "bad":
            raise InvalidCredentialError
        kind, _, tenant = token.partition(":")
        if kind != "good":
            return None
        return Identified("https://issuer.example", "tokens-user", tenant=tenant or None)


async def call(client: httpx.AsyncClient, each: Operation, **headers: str) -> httpx.Response:
    path = re.sub("{.*?}", "none", each.path)
    body: Any = {"json": {}} if each.request else {}
    answer: httpx.Response = await client.request(each.method, path, headers=headers, **body)
    return answer


async def test_401_every_route_without_a_credential(
    service: Service, anybody: httpx.AsyncClient
) -> None:
    for each in service.operations:
        answer = await call(anybody, each)
        assert (answer.status_code == 401) == bool(each.auth), each
        if each.auth:
            assert answer.json()["code"] == "missing_credential"
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_401_has_one_body_for_all_causes(
    service: Service, anybody: httpx.AsyncClient, tenant: Tenant
) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    wrong = [
        {"authorization": "Bearer sk_test_" + "x" * 36},
        {"authorization": "Bearer nonsense"},
        {"authorization": f"Bearer {key['key']}"},
        {"authorization": f"Bearer {tenant.publishable_key}"},
        {"authorization": "Bearer " + "x" * 5000},
        {"x-publishable-key": "pk_test_" + "x" * 36},
        {"x-publishable-key": tenant.secret_key},
        {"authorization": f"Bearer {tenant.secret_key}x", "x-publishable-key": "pk_x"},
    ]
    bodies = set()
    for headers in wrong:
        answer = await anybody.get("/api/usage", headers={"x-request-id": "same", **headers})
        assert answer.status_code == 401, headers
        bodies.add(answer.content)
    assert len(bodies) == 1


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
async def test_401_other_schemes_are_no_credential(
    anybody: httpx.AsyncClient, tenant: Tenant, scheme: str
) -> None:
    headers = {"authorization": f"{scheme} {tenant.secret_key}".strip()}
    answer = await anybody.get("/api/tiers", headers=headers)
    assert answer.json()["code"] == "missing_credential"


@pytest.mark.parametrize("identities", [(TokenOf(),)], ids=["tokens"])
async def test_403_a_publishable_key_gets_no_secret_route(
    service: Service, anybody: httpx.AsyncClient, tenant: Tenant
) -> None:
    for each in service.operations:
        if each.auth != {Auth.SECRET}:
            continue
        for token in ({}, {"x-clerk-token": "good"}, {"authorization": "Bearer good"}):
            headers = {"x-publishable-key": tenant.publishable_key, **token}
            answer = await call(anybody, each, **headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), each


async def test_403_another_projects_publishable_key(tenant: Tenant, stranger: Tenant) -> None:
    mine = await tenant.client.get(
        "/api/tiers", headers={"x-publishable-key": tenant.publishable_key}
    )
    theirs = await tenant.client.get(
        "/api/tiers", headers={"x-publishable-key": stranger.publishable_key}
    )
    assert (mine.status_code, theirs.status_code) == (200, 403)


async def test_401_tokens_without_a_plugin(anybody: httpx.AsyncClient, tenant: Tenant) -> None:
    for token in ({"x-clerk-token": "good"}, {"authorization": "Bearer good"}):
        headers = {"x-publishable-key": tenant.publishable_key, **token}
        answer = await anybody.get("/api/usage", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")


class TestTokens:
    @pytest.fixture
    def identities(self) -> tuple[Identity, ...]:
        return (TokenOf(),)

    async def test_200_their_own_usage_and_nobody_elses(
        self, anybody: httpx.AsyncClient, tenant: Tenant
    ) -> None:
        headers = {
            "x-publishable-key": tenant.publishable_key,
            "authorization": f"Bearer good:{tenant.publishable_key}",
            "x-user-id": "somebody-else",
            "x-user-plan": "pro",
        }
        answer = await anybody.post("/api/data", headers=headers)
        usage = answer.json()["usage"]
        assert (usage["userId"], usage["plan"]) == ("tokens-user", "free")

    @pytest.mark.parametrize("token", ["bad", "unknown"])
    async def test_401(self, anybody: httpx.AsyncClient, tenant: Tenant, token: str) -> None:
        headers = {"x-publishable-key": tenant.publishable_key, "x-clerk-token": token}
        assert (await anybody.get("/api/usage", headers=headers)).status_code == 401

    async def test_401_without_a_token(self, anybody: httpx.AsyncClient, tenant: Tenant) -> None:
        headers = {"x-publishable-key": tenant.publishable_key}
        assert (await anybody.get("/api/usage", headers=headers)).status_code == 401

    async def test_403_of_another_project(
        self, anybody: httpx.AsyncClient, tenant: Tenant, stranger: Tenant
    ) -> None:
        for claim in (f":{stranger.publishable_key}", f":{tenant.secret_key}", ":pk_test_x", ""):
            headers = {
                "x-publishable-key": tenant.publishable_key,
                "x-clerk-token": f"good{claim}",
            }
            answer = await anybody.get("/api/usage", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch"), claim


async def test_400_a_credential_twice(tenant: Tenant) -> None:
    twice = [("x-user-id", "a"), ("x-user-id", "b")]
    answer = await tenant.client.get("/api/usage", headers=twice)
    assert answer.status_code == 400


async def test_503_a_store_that_is_away_is_not_a_bad_key(tenant: Tenant, gateway: Gateway) -> None:
    async with gateway.stores.records_engine().begin() as connection:
        await connection.execute(text("DROP TABLE api_keys"))
    answer = await tenant.client.get("/api/tiers")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
