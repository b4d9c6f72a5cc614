"""`/health`, `/ready` and `/openapi.json`, which describes every answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from tests.waiting import eventually

from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.openapi import errors_of

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Speak, Tenant

    from dream_gateway.gateway import Gateway
    from dream_gateway.service.app import Service


async def test_200_health(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_200_ready(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/ready")
    body = {"ready": True, "parts": {"ledger": {"ok": True}, "feed": {"ok": True}}}
    assert (answer.status_code, answer.json()) == (200, body)


async def test_503_ready_names_the_part(gateway: Gateway, speak: Speak) -> None:
    detail = "No change was heard for 5 seconds."

    async def health() -> dict[str, str | None]:
        return {**await gateway.health(), "feed": detail}

    host = ServiceHost(gateway)
    host.health = health
    async with speak(create_service(host), None) as client:
        answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["parts"] == {
        "ledger": {"ok": True},
        "feed": {"ok": False, "detail": detail},
    }


async def test_503_ready_while_the_store_is_away(
    anybody: httpx.AsyncClient, gateway: Gateway
) -> None:
    await gateway.stores.close()
    assert (await anybody.get("/ready")).status_code == 503

    async def parts_told() -> Any:
        return (await anybody.get("/ready")).json()["parts"]

    parts = await eventually(
        parts_told, "without its feed", holds=lambda told: not told["feed"]["ok"]
    )
    assert [(name, part["ok"], bool(part["detail"])) for name, part in parts.items()] == [
        ("ledger", False, True),
        ("feed", False, True),
    ]


async def document(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_the_document_is_openapi(anybody: httpx.AsyncClient) -> None:
    described = await document(anybody)
    assert described["openapi"].startswith("3.1")
    validate(described)


async def test_the_document_has_every_operation_and_no_other(
    anybody: httpx.AsyncClient, service: Service
) -> None:
    described = await document(anybody)
    there = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert there == {(each.method, each.path) for each in service.operations}
    ids = [m["operationId"] for methods in described["paths"].values() for m in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_documented_operation_is_routed(
    anybody: httpx.AsyncClient, tenant: Tenant
) -> None:
    described = await document(anybody)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            url = re.sub("{.*?}", "none", path)
            answer = await anybody.request(method, url)
            documented = set(operation["responses"])
            assert str(answer.status_code) in documented, (method, path)
            assert answer.status_code not in {404, 405}


async def test_every_error_of_an_operation_is_documented(
    anybody: httpx.AsyncClient, service: Service
) -> None:
    described = await document(anybody)
    for each in service.operations:
        responses = described["paths"][each.path][each.method.lower()]["responses"]
        for error in errors_of(each):
            assert f"`{error.code}`" in responses[str(error.status)]["description"]


async def test_answers_are_as_documented(anybody: httpx.AsyncClient, tenant: Tenant) -> None:
    described = await document(anybody)
    customer = await tenant.customer("u-1", metadata={"a": 1})
    key = await tenant.key(customer["id"], rate={"limit": 1, "interval": "day"})
    user = {"x-user-id": "u-1"}
    event = {"userId": "u-1", "idempotencyKey": "b"}
    calls: list[tuple[str, str, str, Any]] = [
        ("POST", "/api/data", "/api/data", {"headers": user}),
        ("POST", "/api/data", "/api/data", {"headers": {**user, "x-user-plan": "pro"}}),
        ("POST", "/api/data", "/api/data", {"headers": user, "json": {"cost": 100}}),
        ("POST", "/api/data", "/api/data", {"headers": {**user, "idempotency-key": "a"}}),
        ("GET", "/api/usage", "/api/usage", {"headers": user}),
        ("GET", "/api/usage", "/api/usage", {}),
        ("POST", "/api/usage/batch", "/api/usage/batch", {"json": {"events": [event, 1]}}),
        ("POST", "/api/usage/{eventId}/void", "/api/usage/none/void", {}),
        ("POST", "/api/verify", "/api/verify", {"json": {"key": key["key"]}}),
        ("POST", "/api/verify", "/api/verify", {"json": {"key": "none"}}),
        ("POST", "/api/customers", "/api/customers", {"json": {"email": "a@b"}}),
        ("POST", "/api/customers", "/api/customers", {"json": {"email": 1}}),
        ("GET", "/api/customers", "/api/customers", {}),
        ("GET", "/api/customers/{id}", f"/api/customers/{customer['id']}", {}),
        ("POST", "/api/customers/{id}/keys", f"/api/customers/{customer['id']}/keys", {}),
        ("GET", "/api/customers/{id}/keys", f"/api/customers/{customer['id']}/keys", {}),
        ("GET", "/api/keys/{keyId}", f"/api/keys/{key['keyId']}", {}),
        ("PATCH", "/api/keys/{keyId}", f"/api/keys/{key['keyId']}", {"json": {"name": "x"}}),
        ("POST", "/api/keys/{keyId}/rotate", f"/api/keys/{key['keyId']}/rotate", {}),
        ("DELETE", "/api/keys/{keyId}", f"/api/keys/{key['keyId']}", {}),
        ("GET", "/api/tiers", "/api/tiers", {}),
        ("GET", "/health", "/health", {}),
        ("GET", "/ready", "/ready", {}),
        ("GET", "/openapi.json", "/openapi.json", {}),
    ]
    for method, path, url, request in calls:
        answer = await tenant.client.request(method, url, **request)
        responses = described["paths"][path][method.lower()]["responses"]
        content = responses[str(answer.status_code)].get("content")
        if content is None:
            assert answer.content == b""
            continue
        media = content[answer.headers["content-type"]]
        schema = {**media["schema"], "components": described["components"]}
        OAS31Validator(schema).validate(answer.json())
