"""What the system before this one got wrong, each fault by its name; those of billing are elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.hookspecs import Identified
from dream_gateway.service.authentication import Auth

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.service.conftest import Developer, Tenant

    from dream_gateway.hookspecs import Identity
    from dream_gateway.service.app import Service
    from dream_gateway.testing.clock import FakeClock

DAY = 86_400


@pytest.fixture(params=["asgi"])
def speak(speak: Any) -> Any:
    """What is tested here is the same by either server."""
    return speak


class UserTokens:
    """Verifies `user:TENANT`; the plan such a token claims is not even read."""

    async def verify(self, token: str) -> Identified | None:
        kind, _, tenant = token.partition(":")
        return (
            Identified("https://users.example.com", "u", tenant=tenant) if kind == "user" else None
        )


@pytest.fixture
def identities() -> tuple[Identity, ...]:
    return (UserTokens(),)


async def charge(
    client: httpx.AsyncClient, cost: int = 1, headers: dict[str, str] | None = None
) -> httpx.Response:
    body = {"cost": cost}
    return await client.post("/api/data", json=body, headers={"x-user-id": "u", **(headers or {})})


async def usage(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/usage", headers={"x-user-id": "u"})
    found: dict[str, Any] = answer.json()
    return found


async def code(client: httpx.AsyncClient, key: str, cost: int = 0) -> str:
    answer = await client.post("/api/verify", json={"key": key, "cost": cost})
    return str(answer.json()["code"])


class TestUnauthenticatedRoutesThatReturnASecret:
    async def test_without_a_credential_there_is_only_the_gateways_own_state(
        self, service: Service
    ) -> None:
        anybodys = {each.path for each in service.operations if not each.auth}
        # Who comes back from the payment provider shows the cookie they left with.
        assert anybodys == {"/health", "/ready", "/openapi.json", "/oauth/callback"}

    async def test_what_answers_with_a_secret_wants_one_or_a_developer(
        self, service: Service
    ) -> None:
        strong = {Auth.SECRET, Auth.PLATFORM, Auth.OPERATOR}
        telling = [
            each
            for each in service.operations
            if each.response is not None
            and {"key", "secret_key", "token"} & set(each.response.__struct_fields__)
        ]
        assert len(telling) >= 7
        assert all(each.auth <= strong for each in telling)

    async def test_a_platform_is_attached_to_by_its_owner_alone(
        self, ada: Developer, grace: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = (await ada.project())["project"]
        member = {"email": "grace@example.com", "role": "owner"}
        there = {"x-platform-id": made["platformId"]}
        path = "/platform/members"
        assert (await anybody.post(path, json=member, headers=there)).status_code == 401
        assert (await grace.client.post(path, json=member, headers=there)).status_code == 404


async def test_plan_and_user_taken_from_headers_or_a_claim(
    anybody: httpx.AsyncClient, tenant: Tenant
) -> None:
    headers = {
        "x-publishable-key": tenant.publishable_key,
        "x-clerk-token": f"user:{tenant.publishable_key}",
        "x-user-id": "somebody-else",
        "x-user-plan": "pro",
    }
    answer = await anybody.post("/api/data", headers=headers)
    found = answer.json()["usage"]
    assert (found["userId"], found["plan"]) == ("u", "free")
    # Nor does a secret key put somebody on another plan who is on one already.
    again = await charge(tenant.client, headers={"x-user-plan": "pro"})
    assert again.json()["usage"]["plan"] == "free"


class TestPlaintextSecrets:
    async def test_none_is_at_rest(self, ada: Developer, tenant: Tenant, database: Path) -> None:
        made = await ada.project()
        key = await tenant.key((await tenant.customer("u"))["id"])
        rotated = (await tenant.client.post(f"/api/keys/{key['keyId']}/rotate")).json()
        files = [each for each in database.parent.rglob("*") if each.is_file()]
        held = b"".join(each.read_bytes() for each in files)
        assert made["project"]["publishableKey"].encode() in held
        for secret in (made["secretKey"], tenant.secret_key, key["key"], rotated["key"]):
            assert secret.encode() not in held

    async def test_none_is_handed_to_a_browser(
        self, service: Service, anybody: httpx.AsyncClient, tenant: Tenant
    ) -> None:
        await tenant.key((await tenant.customer("u"))["id"])
        headers = {
            "x-publishable-key": tenant.publishable_key,
            "x-clerk-token": f"user:{tenant.publishable_key}",
        }
        for each in service.operations:
            if not each.auth.isdisjoint({Auth.PUBLISHABLE, Auth.USER}):
                answer = await anybody.request(each.method, each.path, headers=headers)
                assert "sk_test_" not in answer.text
                assert "ak_test_" not in answer.text


class TestKeysThatKeepWorking:
    """From a cache, though they are revoked or made anew; `status` never checked; no expiry."""

    async def test_revoked(self, tenant: Tenant) -> None:
        key = await tenant.key((await tenant.customer("u"))["id"])
        assert await code(tenant.client, key["key"]) == "allowed"
        await tenant.client.delete(f"/api/keys/{key['keyId']}")
        assert await code(tenant.client, key["key"]) == "invalid_credential"

    async def test_status_disabled_and_enabled_again(self, tenant: Tenant) -> None:
        key = await tenant.key((await tenant.customer("u"))["id"])
        for status, wanted in (("disabled", "invalid_credential"), ("active", "allowed")):
            await tenant.client.patch(f"/api/keys/{key['keyId']}", json={"status": status})
            assert await code(tenant.client, key["key"]) == wanted

    async def test_regenerated_secret_key(self, ada: Developer, anybody: httpx.AsyncClient) -> None:
        made = await ada.project()
        own = {"authorization": f"Bearer {made['secretKey']}"}
        assert (await anybody.get("/api/tiers", headers=own)).status_code == 200
        path = f"/platform/projects/{made['project']['id']}/credentials"
        (_, secret) = (await ada.client.get(path)).json()["data"]
        await ada.client.post(f"{path}/{secret['keyId']}/rotate")
        assert (await anybody.get("/api/tiers", headers=own)).status_code == 401

    async def test_expired(self, tenant: Tenant, clock: FakeClock) -> None:
        customer = (await tenant.customer("u"))["id"]
        key = await tenant.key(customer, expiresAt="2027-01-15T08:00:10Z")
        assert await code(tenant.client, key["key"]) == "allowed"
        clock.advance(10)
        assert await code(tenant.client, key["key"]) == "invalid_credential"

    async def test_rotation_without_an_overlap(self, tenant: Tenant, clock: FakeClock) -> None:
        key = await tenant.key((await tenant.customer("u"))["id"])
        path, body = f"/api/keys/{key['keyId']}/rotate", {"graceSeconds": 60}
        new = (await tenant.client.post(path, json=body)).json()
        for each in (key, new):
            assert await code(tenant.client, each["key"]) == "allowed"
        clock.advance(60)
        assert await code(tenant.client, key["key"]) == "invalid_credential"
        assert await code(tenant.client, new["key"]) == "allowed"


async def test_cross_tenant_reach_by_another_projects_publishable_key(
    tenant: Tenant, stranger: Tenant
) -> None:
    await stranger.customer("theirs")
    headers = {"x-publishable-key": stranger.publishable_key}
    for path in ("/api/customers", "/api/tiers", "/api/products"):
        answer = await tenant.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "theirs" not in answer.text
    assert (await charge(tenant.client, headers=headers)).status_code == 403
    assert (await usage(stranger.client))["usageCount"] == 0


async def test_counter_without_the_project_a_customer_in_two(
    tenant: Tenant, stranger: Tenant
) -> None:
    assert (await charge(tenant.client, 7)).status_code == 200
    assert (await usage(stranger.client))["usageCount"] == 0
    assert (await charge(stranger.client, 10)).status_code == 200
    assert (await usage(tenant.client))["usageCount"] == 7


class TestPeriods:
    """That drift, never reset, or reset on a change of the plan."""

    async def test_they_keep_their_day_through_short_months(
        self, tenant: Tenant, clock: FakeClock
    ) -> None:
        clock.advance(16 * DAY)  # to the 31st of January
        await tenant.customer("u")
        spans = []
        for days in (0, 29, 30, 30):
            clock.advance(days * DAY)
            assert (await charge(tenant.client, 10)).status_code == 200
            assert (await charge(tenant.client)).status_code == 429
            found = await usage(tenant.client)
            assert found["usageCount"] == 10
            spans.append((found["periodStart"][5:10], found["periodEnd"][5:10]))
        assert spans == [
            ("01-31", "02-28"),
            ("02-28", "03-31"),
            ("03-31", "04-30"),
            ("04-30", "05-31"),
        ]

    async def test_a_change_of_the_plan_resets_nothing(
        self, tenant: Tenant, clock: FakeClock
    ) -> None:
        customer = await tenant.customer("u")
        await charge(tenant.client, 6)
        before = await usage(tenant.client)
        clock.advance(5 * DAY)
        for plan in ("big", "free"):
            path = f"/api/customers/{customer['id']}"
            assert (await tenant.client.patch(path, json={"plan": plan})).status_code == 200
            after = await usage(tenant.client)
            assert after["usageCount"] == 6
            for end in ("periodStart", "periodEnd"):
                assert after[end] == before[end]
        assert (await charge(tenant.client, 5)).status_code == 429


class TestTheRateLimiter:
    """Without a tenant in its key, and off by default."""

    async def test_two_tenants_share_no_rate(self, tenant: Tenant, stranger: Tenant) -> None:
        for each in (tenant, stranger):
            await each.customer("u", plan="slow")
            statuses = [(await charge(each.client)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]

    async def test_it_is_on_without_any_setting(self, tenant: Tenant) -> None:
        rate = {"limit": 1, "interval": "hour"}
        key = await tenant.key((await tenant.customer("u"))["id"], rate=rate)
        assert await code(tenant.client, key["key"], 1) == "allowed"
        assert await code(tenant.client, key["key"], 1) == "rate_limited"


async def test_money_as_floats(tenant: Tenant) -> None:
    for path in ("/api/tiers", "/api/products"):
        answer = await tenant.client.post(path, json={"name": "a", "price": 19.99})
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/price"]
        answer = await tenant.client.post(path, json={"name": "a", "price": 1999})
        assert json.loads(answer.content)["price"] == 1999
