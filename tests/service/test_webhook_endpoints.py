"""`/api/webhook-endpoints` and `/api/webhook-messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from dream_gateway.errors import WebhooksNotConfiguredError
from dream_gateway.gateway import Gateway
from dream_gateway.records import messages
from dream_gateway.records.billing_schema import webhook_endpoints
from dream_gateway.records.schema import audit_log, idempotency
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.webhook_endpoints import MOST
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from tests.service.conftest import Ask, Developer, Speak, Tenant

    from dream_gateway.testing.clock import FakeClock

PATH = "/api/webhook-endpoints"
URL = "https://hooks.invalid/"
"""Of a domain that is nobody's (RFC 6761 6.4)."""

SILENT = "subscription.changed"
"""A type that nothing here causes, so that nothing is sent."""


@pytest.fixture(params=["asgi"])
def speak(speak: Any) -> Any:
    """These routes are cold: they come the same way on both."""
    return speak


async def endpoint(tenant: Tenant, **values: Any) -> dict[str, Any]:
    answer = await tenant.client.post(PATH, json={"url": URL, "types": [SILENT], **values})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def tell(gateway: Gateway, tenant: Tenant, *causes: str) -> None:
    for cause in causes:
        async with gateway.records.write("test") as writer:
            await messages.tell(writer, tenant.project.id, SILENT, cause, {"cause": cause})


async def test_201_shows_the_secret_once(tenant: Tenant, rows: Ask) -> None:
    headers = {"idempotency-key": "one"}
    body = {"url": URL, "types": [SILENT, SILENT], "description": "our back end"}
    first = await tenant.client.post(PATH, json=body, headers=headers)
    assert first.status_code == 201
    made = first.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made.pop("id").startswith("whe_")
    assert made == {
        "url": URL,
        "description": "our back end",
        "types": [SILENT],
        "status": "enabled",
        "error": None,
        "failingSince": None,
        "previousSecretUntil": None,
        "createdAt": "2027-01-15T08:00:00Z",
    }
    again = await tenant.client.post(PATH, json=body, headers=headers)
    without = {name: value for name, value in first.json().items() if name != "secret"}
    assert again.json() == {**without, "replayed": True}
    listed = await tenant.client.get(PATH)
    assert [each["id"] for each in listed.json()["endpoints"]] == [first.json()["id"]]
    assert "secret" not in listed.text.replace("previousSecretUntil", "")
    for table in (webhook_endpoints, audit_log, idempotency):
        assert secret not in repr(await rows(select(table)))


FORBIDDEN = (
    "http://hooks.invalid/",
    "https://127.0.0.1/hooks",
    "https://[::1]:8443/hooks",
    "https://169.254.169.254/latest",
    "https://user:pw@hooks.invalid/",
    "ftp://hooks.invalid",
    "hooks.invalid",
)


async def test_422_for_a_url_that_no_webhook_may_go_to(tenant: Tenant) -> None:
    one = f"{PATH}/{(await endpoint(tenant))['id']}"
    for url in FORBIDDEN:
        answer = await tenant.client.post(PATH, json={"url": url})
        assert answer.status_code == 422, url
        assert answer.json()["errors"][0]["pointer"] == "/url"
        assert (await tenant.client.patch(one, json={"url": url})).status_code == 422, url


async def test_422_for_a_type_that_is_none(tenant: Tenant) -> None:
    for types in (["webhook.test"], ["customer.*"], "customer.created"):
        answer = await tenant.client.post(PATH, json={"url": URL, "types": types})
        assert answer.status_code == 422, types


async def test_409_past_so_many(tenant: Tenant) -> None:
    for _ in range(MOST):
        await endpoint(tenant)
    answer = await tenant.client.post(PATH, json={"url": URL})
    assert answer.status_code == 409


async def test_501_without_a_key_to_seal_the_secret_with(
    database: Path, clock: FakeClock, speak: Speak, tenant: Tenant
) -> None:
    gateway = Gateway(Settings(store=f"sqlite:///{database}"), clock)
    await gateway.start()
    async with speak(create_service(ServiceHost(gateway)), tenant.secret_key) as client:
        answer = await client.post(PATH, json={"url": URL})
    await gateway.close()
    assert answer.status_code == 501
    assert answer.json()["code"] == WebhooksNotConfiguredError.code


async def test_changed_disabled_and_enabled(tenant: Tenant) -> None:
    made = await endpoint(tenant)
    one = f"{PATH}/{made['id']}"
    shown = await tenant.client.get(one)
    values = {"url": "https://other.invalid/", "types": [], "status": "disabled"}
    stale = {"if-match": '"0"'}
    refused = await tenant.client.patch(one, json=values, headers=stale)
    assert refused.status_code == 412
    match = {"if-match": shown.headers["etag"]}
    changed = await tenant.client.patch(one, json=values, headers=match)
    assert changed.json() == {**shown.json(), **values}
    for order in ("test", "replay"):
        body = {"since": "2027-01-01T00:00:00Z"} if order == "replay" else {}
        assert (await tenant.client.post(f"{one}/{order}", json=body)).status_code == 409
    enabled = await tenant.client.patch(one, json={"status": "enabled"})
    assert enabled.json()["status"] == "enabled"


async def test_204_deleted_and_its_secret_forgotten(tenant: Tenant, rows: Ask) -> None:
    made = await endpoint(tenant)
    one = f"{PATH}/{made['id']}"
    assert (await tenant.client.delete(one)).status_code == 204
    assert (await tenant.client.get(one)).status_code == 404
    assert (await tenant.client.get(PATH)).json() == {"endpoints": []}
    assert await rows(select(webhook_endpoints.c.secret)) == [(None,)]


async def test_a_new_secret_beside_the_old_one(tenant: Tenant) -> None:
    made = await endpoint(tenant)
    one = f"{PATH}/{made['id']}"
    rotated = (await tenant.client.post(f"{one}/rotate")).json()
    assert rotated["secret"] not in {None, made["secret"]}
    assert rotated["previousSecretUntil"] == "2027-01-16T08:00:00Z"
    at_once = await tenant.client.post(f"{one}/rotate", json={"graceSeconds": 0})
    assert at_once.json()["previousSecretUntil"] is None


async def test_messages_and_how_they_fare(gateway: Gateway, tenant: Tenant) -> None:
    made = await endpoint(tenant)
    await tenant.client.patch(f"{PATH}/{made['id']}", json={"status": "disabled"})
    await tell(gateway, tenant, "one", "two", "three")
    newest = await tenant.client.get("/api/webhook-messages", params={"limit": 2})
    assert [each["payload"]["data"]["cause"] for each in newest.json()["data"]] == ["three", "two"]
    assert newest.json()["hasMore"] is True
    rest = await tenant.client.get(
        "/api/webhook-messages", params={"limit": 2, "cursor": newest.json()["nextCursor"]}
    )
    (oldest,) = rest.json()["data"]
    assert oldest["deliveries"] == []
    assert (rest.json()["hasMore"], rest.json()["nextCursor"]) == (False, None)
    shown = await tenant.client.get(f"/api/webhook-messages/{oldest['id']}")
    assert shown.json() == oldest


async def test_what_was_missed_is_sent_again(gateway: Gateway, tenant: Tenant) -> None:
    made = await endpoint(tenant)
    one = f"{PATH}/{made['id']}"
    await tenant.client.patch(one, json={"status": "disabled"})
    await tell(gateway, tenant, "one", "two")
    await tenant.client.patch(one, json={"status": "enabled"})
    answer = await tenant.client.post(f"{one}/replay")
    assert (answer.status_code, answer.json()) == (202, {"success": True, "replayed": 2})
    before = {"since": "2027-01-15T07:00:00Z", "until": "2027-01-15T07:30:00Z"}
    assert (await tenant.client.post(f"{one}/replay", json=before)).json()["replayed"] == 0
    found = await tenant.client.get("/api/webhook-messages", params={"endpointId": made["id"]})
    assert [len(each["deliveries"]) for each in found.json()["data"]] == [1, 1]
    one_id = found.json()["data"][0]["id"]
    again = await tenant.client.post(f"{one}/replay", json={"messageIds": [one_id, "msg_none"]})
    assert again.json()["replayed"] == 1


async def test_422_for_a_replay_of_two_things(tenant: Tenant) -> None:
    one = f"{PATH}/{(await endpoint(tenant))['id']}"
    since = "2027-01-15T07:00:00Z"
    both = {"messageIds": ["msg_1"]}
    for body in ({**both, "since": since}, {**both, "until": since}, {"since": "never"}):
        answer = await tenant.client.post(f"{one}/replay", json=body)
        assert answer.status_code == 422, body


async def test_anothers_messages_are_not_there(
    gateway: Gateway, tenant: Tenant, stranger: Tenant
) -> None:
    theirs = await endpoint(stranger)
    await stranger.client.patch(f"{PATH}/{theirs['id']}", json={"status": "disabled"})
    await tell(gateway, stranger, "one")
    (message,) = (await stranger.client.get("/api/webhook-messages")).json()["data"]
    assert (await tenant.client.get("/api/webhook-messages")).json()["data"] == []
    query = {"endpointId": theirs["id"]}
    assert (await tenant.client.get("/api/webhook-messages", params=query)).json()["data"] == []
    path = f"/api/webhook-messages/{message['id']}"
    assert (await tenant.client.get(path)).status_code == 404
    mine = await endpoint(tenant)
    body = {"messageIds": [message["id"]]}
    answer = await tenant.client.post(f"{PATH}/{mine['id']}/replay", json=body)
    assert answer.json()["replayed"] == 0


async def test_a_developers_admin_keeps_them_too(ada: Developer) -> None:
    made = await ada.project()
    place = {"x-project-id": made["project"]["id"]}
    body = {"url": URL, "types": [SILENT]}
    created = await ada.client.post(PATH, json=body, headers=place)
    assert created.status_code == 201
    listed: httpx.Response = await ada.client.get(PATH, headers=place)
    assert [each["id"] for each in listed.json()["endpoints"]] == [created.json()["id"]]
