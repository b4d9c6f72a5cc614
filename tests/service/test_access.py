"""Every route against every credential, and against what belongs to somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from tests.service.conftest import OPERATOR

from dream_gateway.hookspecs import Identified
from dream_gateway.records.schema import metadata
from dream_gateway.service.access import ROLES, Holder, allows, markdown
from dream_gateway.service.authentication import Auth

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from tests.service.conftest import Ask, Developer, Tenant
    from tests.service.signed_tokens import SignedTokens

    from dream_gateway.hookspecs import Identity
    from dream_gateway.service.app import Service
    from dream_gateway.service.operation import Operation

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"

# What gets past the validation of each route that takes a body.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/data": {"cost": 1},
    "POST /api/verify": {"key": "ak_test_none"},
    "POST /api/usage/batch": {"events": []},
    "POST /api/customers": {"email": "probe@example.com"},
    "PATCH /api/customers/{id}": {"firstName": "stolen"},
    "PATCH /api/keys/{keyId}": {"name": "stolen"},
    "POST /api/tiers": {"name": "probe"},
    "PUT /api/tiers/{name}": {"price": 1},
    "POST /api/products": {"name": "probe", "price": 1},
    "PUT /api/products/{id}": {"name": "stolen", "price": 1},
    "POST /api/webhook-endpoints": {"url": "https://example.com/hooks"},
    "PATCH /api/webhook-endpoints/{id}": {"description": "stolen"},
    "PATCH /platform": {"name": "stolen"},
    "POST /api/create-checkout": {"tier": "free"},
    "POST /platform/members": {"email": "probe@example.com", "role": "owner"},
    "PATCH /platform/members/{memberId}": {"role": "owner"},
    "POST /platform/projects": {"name": "probe"},
    "PATCH /platform/projects/{projectId}": {"name": "stolen"},
}


FAULTS = {500, 502, 503, 504}
"""501 says that nobody takes payments here, to whoever may ask."""

UNKNOWN = {Holder.NOBODY: "missing_credential", Holder.CUSTOMER_KEY: "invalid_credential"}


@pytest.fixture(params=["asgi"])
def speak(speak: Any) -> Any:
    """The rules are the dispatcher's, whichever way a request came."""
    return speak


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


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


async def ask(
    client: httpx.AsyncClient,
    operation: Operation,
    headers: Mapping[str, str],
    ids: Mapping[str, str],
) -> httpx.Response:
    path = re.sub("{(.*?)}", lambda found: ids.get(found[1], "none"), operation.path)
    content: Any = {}
    if operation.request is not None:
        content = {"json": BODIES.get(name(operation), {})}
    answer: httpx.Response = await client.request(
        operation.method, path, headers=headers, **content
    )
    return answer


@dataclass
class Holdings:
    """A platform with a project in it, and everybody who may hold a credential for it."""

    owner: Developer
    client: httpx.AsyncClient
    project: str
    platform: str
    headers: dict[Holder, dict[str, str]]

    async def another_project(self) -> str:
        made = await self.owner.project()
        return str(made["project"]["id"])


async def hold(
    ada: Developer, anybody: httpx.AsyncClient, tokens: SignedTokens, operator: str
) -> Holdings:
    made = await ada.project()
    project, secret = made["project"], made["secretKey"]
    place = {"x-project-id": project["id"]}
    answer = await ada.client.post("/api/tiers", json={"name": "free"}, headers=place)
    assert answer.status_code == 201
    bearer = {"authorization": f"Bearer {secret}"}
    body = {"email": "a@example.com", "externalId": "u"}
    customer = await anybody.post("/api/customers", json=body, headers=bearer)
    path = f"/api/customers/{customer.json()['customer']['id']}/keys"
    key = (await anybody.post(path, headers=bearer)).json()["key"]
    publishable = {"x-publishable-key": project["publishableKey"]}
    platform = {"x-platform-id": project["platformId"]}
    headers: dict[Holder, dict[str, str]] = {
        Holder.NOBODY: {},
        Holder.CUSTOMER_KEY: {"authorization": f"Bearer {key}"},
        Holder.PUBLISHABLE: publishable,
        Holder.USER: {**publishable, "x-clerk-token": f"user:{project['publishableKey']}"},
        Holder.SECRET: {**bearer, "x-user-id": "u"},
        Holder.OPERATOR: {"authorization": f"Bearer {operator}", **platform},
    }
    for holder, role in ROLES.items():
        email = f"{role}@example.com"
        member = {"email": email, "role": role}
        assert (await ada.client.post("/platform/members", json=member)).status_code == 201
        headers[holder] = {"authorization": f"Bearer {tokens.sign(role, email)}", **platform}
    return Holdings(ada, anybody, project["id"], project["platformId"], headers)


def placed(operation: Operation, headers: Mapping[str, str], project: str) -> dict[str, str]:
    """Return fields that name the project, where that is said in a field."""
    is_token = "x-platform-id" in headers
    if is_token and Auth.SECRET in operation.auth:
        return {**headers, "x-project-id": project}
    return dict(headers)


async def test_every_cell_of_the_table(
    service: Service, ada: Developer, anybody: httpx.AsyncClient, tokens: SignedTokens
) -> None:
    held = await hold(ada, anybody, tokens, OPERATOR)
    wrong = []
    for operation in service.operations:
        for holder, headers in held.headers.items():
            project = held.project
            if "{projectId}" in operation.path:
                project = await held.another_project()
            ids = {"projectId": project}
            fields = placed(operation, headers, held.project)
            answer = await ask(anybody, operation, fields, ids)
            refused = answer.status_code in {401, 403}
            if refused is allows(operation, holder) or answer.status_code in FAULTS:
                wrong.append((name(operation), holder, answer.status_code, answer.text))
            if refused:
                code = "forbidden"
                if holder in UNKNOWN:
                    code = UNKNOWN[holder]
                elif holder is Holder.PUBLISHABLE and Auth.USER in operation.auth:
                    code = "missing_credential"
                assert answer.json()["code"] == code, (operation, holder)
    assert wrong == []


def test_the_page_is_the_table(service: Service) -> None:
    # What the dashboard adds to it is compared by its own tests.
    assert PAGE.read_text().startswith(markdown(service.operations))


async def records(rows: Ask) -> dict[str, Any]:
    """Return all that the records hold."""
    return {table.name: await rows(select(table)) for table in metadata.sorted_tables}


async def owned(tenant: Tenant) -> dict[str, str]:
    """Make one of everything in a project, and return the ids by the names paths have for them."""
    customer = await tenant.customer("u")
    key = await tenant.key(customer["id"])
    tier = {"name": "hidden"}
    assert (await tenant.client.post("/api/tiers", json=tier)).status_code == 201
    product = {"name": "hidden", "price": 1}
    made = await tenant.client.post("/api/products", json=product)
    # Of a type that nothing here causes: nothing is sent.
    endpoint = {"url": "https://example.com/hooks", "types": ["subscription.changed"]}
    hooked = await tenant.client.post("/api/webhook-endpoints", json=endpoint)
    event = await tenant.client.post(
        "/api/data", headers={"x-user-id": "u", "idempotency-key": "event"}
    )
    return {
        "customer": customer["id"],
        "product": made.json()["id"],
        "endpoint": hooked.json()["id"],
        "keyId": key["keyId"],
        "name": "hidden",
        "eventId": event.json()["eventId"],
        "key": key["key"],
    }


def of(operation: Operation, ids: Mapping[str, str]) -> dict[str, str]:
    nouns = {"/api/products": "product", "/api/webhook-endpoints": "endpoint"}
    beginning = "/".join(operation.path.split("/")[:3])
    noun = nouns.get(beginning, "customer")
    return {**ids, "id": ids.get(noun, "none")}


async def test_another_platforms_objects_are_not_there_for_a_secret_key(
    service: Service, tenant: Tenant, stranger: Tenant, rows: Ask
) -> None:
    ids = await owned(stranger)
    before = await records(rows)
    probed = 0
    for operation in service.operations:
        if Auth.SECRET in operation.auth and "{" in operation.path:
            answer = await ask(tenant.client, operation, {}, of(operation, ids))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), operation
            probed += 1
    assert probed >= 14
    verified = await tenant.client.post("/api/verify", json={"key": ids["key"]})
    assert (verified.json()["allowed"], verified.json()["code"]) == (False, "invalid_credential")
    assert await records(rows) == before
    await _still_works(stranger, ids)


async def _still_works(stranger: Tenant, ids: Mapping[str, str]) -> None:
    verified = await stranger.client.post("/api/verify", json={"key": ids["key"], "cost": 0})
    assert verified.json()["allowed"] is True


async def test_another_projects_publishable_key_beside_a_secret_key_opens_no_route(
    service: Service, tenant: Tenant, stranger: Tenant, rows: Ask
) -> None:
    ids = await owned(stranger)
    before = await records(rows)
    headers = {"x-publishable-key": stranger.publishable_key, "x-user-id": "u"}
    for operation in service.operations:
        if operation.auth:
            answer = await ask(tenant.client, operation, headers, of(operation, ids))
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), operation
    assert await records(rows) == before


async def test_a_token_for_another_project_opens_no_route(
    service: Service, anybody: httpx.AsyncClient, tenant: Tenant, stranger: Tenant, rows: Ask
) -> None:
    await owned(stranger)
    before = await records(rows)
    for mine, theirs in ((tenant, stranger), (stranger, tenant)):
        headers = {
            "x-publishable-key": mine.publishable_key,
            "x-clerk-token": f"user:{theirs.publishable_key}",
        }
        for operation in service.operations:
            if Auth.USER in operation.auth:
                answer = await ask(anybody, operation, headers, {})
                assert answer.status_code == 403, operation
                assert answer.json()["code"] == "tenant_mismatch"
    assert await records(rows) == before


async def test_another_developers_platform_is_not_there(
    service: Service, ada: Developer, grace: Developer, stranger: Tenant, rows: Ask
) -> None:
    made = await grace.project()
    theirs = {
        **await owned(stranger),
        "projectId": made["project"]["id"],
        "keyId": "none",
        "memberId": (await grace.client.get("/platform/members")).json()["data"][0]["id"],
    }
    own = (await ada.project())["project"]
    platform = made["project"]["platformId"]
    places = [
        {"x-project-id": made["project"]["id"]},
        {"x-project-id": stranger.project.id},
        {"x-platform-id": platform},
        {"x-platform-id": stranger.project.platform_id},
        {"x-platform-id": own["platformId"], "x-project-id": made["project"]["id"]},
    ]
    before = await records(rows)
    for operation in service.operations:
        if Auth.PLATFORM not in operation.auth:
            continue
        in_project = Auth.SECRET in operation.auth
        for place in places:
            if in_project and "x-project-id" not in place:
                continue
            answer = await ask(ada.client, operation, place, of(operation, theirs))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), operation
    assert await records(rows) == before


async def test_another_projects_objects_are_not_there_in_ones_own(
    service: Service, ada: Developer, grace: Developer, rows: Ask
) -> None:
    """With one's own token and project, and an id of another's in the path."""
    own = (await ada.project())["project"]
    made = await grace.project()
    place = f"/platform/projects/{made['project']['id']}"
    keys = (await grace.client.get(f"{place}/credentials")).json()["data"]
    member = (await grace.client.get("/platform/members")).json()["data"][0]["id"]
    theirs = {"projectId": own["id"], "keyId": keys[1]["keyId"], "memberId": member}
    before = await records(rows)
    for operation in service.operations:
        is_theirs = "{keyId}" in operation.path or "{memberId}" in operation.path
        if Auth.PLATFORM in operation.auth and is_theirs:
            headers = placed(operation, {"x-platform-id": own["platformId"]}, own["id"])
            answer = await ask(ada.client, operation, headers, theirs)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), operation
    assert await records(rows) == before
