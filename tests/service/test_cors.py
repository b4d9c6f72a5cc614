"""Which web pages may use a publishable key: preflights, and the fields of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.hookspecs import Identified
from dream_gateway.service.authentication import Auth

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Developer, Tenant

    from dream_gateway.hookspecs import Identity
    from dream_gateway.service.app import Service

HERE, ELSEWHERE = "https://app.example.com", "https://elsewhere.example.com"


class UserTokens:
    """Verifies `user:TENANT`."""

    async def verify(self, token: str) -> Identified | None:
        kind, _, tenant = token.partition(":")
        return (
            Identified("https://users.example.com", "u", tenant=tenant) if kind == "user" else None
        )


@pytest.fixture
def identities() -> tuple[Identity, ...]:
    return (UserTokens(),)


@pytest.fixture
async def project(ada: Developer) -> dict[str, Any]:
    """A project that lists one origin, with a tier of two units."""
    made = await ada.project(origins=[HERE])
    headers = {"x-project-id": made["project"]["id"]}
    tier = {"name": "free", "limit": 2}
    assert (await ada.client.post("/api/tiers", json=tier, headers=headers)).status_code == 201
    return {**made["project"], "secretKey": made["secretKey"]}


def asked(method: str, origin: str = HERE) -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "x-publishable-key",
    }


def told(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_page_of_the_list_may_ask_and_read(
    anybody: httpx.AsyncClient, project: dict[str, Any]
) -> None:
    before = await anybody.options("/api/tiers", headers=asked("GET"))
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == HERE
    assert before.headers["access-control-allow-methods"] == "GET"
    assert "x-publishable-key" in before.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in before.headers
    headers = {"origin": HERE, "x-publishable-key": project["publishableKey"]}
    answer = await anybody.get("/api/tiers", headers=headers)
    assert answer.headers["access-control-allow-origin"] == HERE
    assert answer.headers["vary"] == "origin"


async def test_errors_can_be_read_too(anybody: httpx.AsyncClient, project: dict[str, Any]) -> None:
    headers = {
        "origin": HERE,
        "x-publishable-key": project["publishableKey"],
        "x-clerk-token": f"user:{project['publishableKey']}",
    }
    answers = [await anybody.post("/api/data", headers=headers) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    for each in answers:
        assert each.headers["access-control-allow-origin"] == HERE
        assert "retry-after" in each.headers["access-control-expose-headers"]
    unknown = await anybody.get("/api/usage", headers={**headers, "x-clerk-token": "none"})
    assert (unknown.status_code, unknown.headers["access-control-allow-origin"]) == (401, HERE)


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "*", HERE + ":8443", HERE.upper(), ""])
async def test_no_other_page_may(
    anybody: httpx.AsyncClient, project: dict[str, Any], origin: str
) -> None:
    before = await anybody.options("/api/tiers", headers=asked("GET", origin))
    assert (before.status_code, told(before)) == (405, [])
    headers = {"origin": origin, "x-publishable-key": project["publishableKey"]}
    answer = await anybody.get("/api/tiers", headers=headers)
    assert (answer.status_code, told(answer)) == (200, [])


async def test_anothers_origin_is_not_mine(
    anybody: httpx.AsyncClient, project: dict[str, Any], grace: Developer
) -> None:
    other = (await grace.project(origins=[ELSEWHERE]))["project"]
    # The question names no key, so it is answered for whoever has the origin on a list.
    assert (await anybody.options("/api/tiers", headers=asked("GET", ELSEWHERE))).status_code == 204
    for key, origin in ((project["publishableKey"], ELSEWHERE), (other["publishableKey"], HERE)):
        headers = {"origin": origin, "x-publishable-key": key}
        assert told(await anybody.get("/api/tiers", headers=headers)) == []


async def test_nothing_is_for_secret_keys_and_developers(
    service: Service, anybody: httpx.AsyncClient, project: dict[str, Any], ada: Developer
) -> None:
    place = {"x-project-id": project["id"], "origin": HERE}
    assert told(await ada.client.get("/api/tiers", headers=place)) == []
    secret = {"authorization": f"Bearer {project['secretKey']}", "origin": HERE}
    for more in ({}, {"x-publishable-key": project["publishableKey"]}):
        for path in ("/api/tiers", "/api/customers"):
            assert told(await anybody.get(path, headers={**secret, **more})) == []
    user = {**secret, "x-user-id": "u"}
    assert told(await anybody.post("/api/data", headers=user)) == []
    for operation in service.operations:
        before = await anybody.options(operation.path, headers=asked(operation.method))
        by_browsers = not operation.auth.isdisjoint({Auth.PUBLISHABLE, Auth.USER})
        expected = 204 if by_browsers else 405
        assert before.status_code == expected, operation


async def test_a_deleted_projects_origins_count_no_more(
    anybody: httpx.AsyncClient, project: dict[str, Any], ada: Developer
) -> None:
    await ada.client.delete(f"/platform/projects/{project['id']}")
    assert (await anybody.options("/api/tiers", headers=asked("GET"))).status_code == 405


async def test_a_project_without_a_list_is_for_no_page(
    anybody: httpx.AsyncClient, tenant: Tenant
) -> None:
    headers = {"origin": HERE, "x-publishable-key": tenant.publishable_key}
    assert told(await anybody.get("/api/tiers", headers=headers)) == []
