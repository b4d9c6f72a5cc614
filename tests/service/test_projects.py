"""`/platform/projects`, their credentials, promotion, deletion and restoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Developer

    from dream_gateway.gateway import Gateway
    from dream_gateway.testing.clock import FakeClock

DAY = 86_400


@pytest.fixture(params=["asgi"])
def speak(speak: Any) -> Any:
    """These are cold routes: the protocol passes them to the ASGI application."""
    return speak


async def tiers(client: httpx.AsyncClient, key: str) -> httpx.Response:
    """Ask with a key of a project, secret or publishable."""
    kind = "x-publishable-key" if key.startswith("pk_") else "authorization"
    value = key if key.startswith("pk_") else f"Bearer {key}"
    return await client.get("/api/tiers", headers={kind: value})


async def put_tier(developer: Developer, project: str, **tier: Any) -> dict[str, Any]:
    headers = {"x-project-id": project}
    answer = await developer.client.post("/api/tiers", json=tier, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


class TestCreating:
    async def test_201_with_keys_that_work(
        self, ada: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = await ada.project(
            name="shop",
            type="store",
            mode="live",
            alignment="calendar",
            origins=["https://Example.com:443/", "http://localhost:3000"],
            branding={"displayName": "Shop", "colours": {"primary": "#336699"}},
        )
        project, secret = made["project"], made["secretKey"]
        assert secret.startswith("sk_live_")
        assert project["publishableKey"].startswith("pk_live_")
        assert project["origins"] == ["http://localhost:3000", "https://example.com"]
        assert project["branding"]["colours"] == {"primary": "#336699"}
        assert (project["type"], project["alignment"]) == ("store", "calendar")
        for key in (secret, project["publishableKey"]):
            assert (await tiers(anybody, key)).json() == {"tiers": []}
        shown = await ada.client.get(f"/platform/projects/{project['id']}")
        assert shown.json() == project

    async def test_a_repeat_gets_the_project_and_no_secret(self, ada: Developer) -> None:
        field = {"idempotency-key": "k"}
        body = {"name": "a"}
        one, two = [
            (await ada.client.post("/platform/projects", json=body, headers=field)).json()
            for _ in range(2)
        ]
        assert two == {"project": one["project"], "replayed": True}
        assert len((await ada.client.get("/platform/projects")).json()["data"]) == 1

    @pytest.mark.parametrize(
        "origin",
        [
            "*",
            "null",
            "example.com",
            "https://",
            "https://*.example.com",
            "https://a.example.com/path",
            "ftp://a.example.com",
            "https://u@a.example.com",
            "https://a.example.com:99999",
            "https://a b",
            "javascript:alert(1)",
        ],
    )
    async def test_422_what_is_no_origin(self, ada: Developer, origin: str) -> None:
        body = {"name": "a", "origins": ["https://example.com", origin]}
        answer = await ada.client.post("/platform/projects", json=body)
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/origins/1"]

    async def test_new_customers_are_refused_until_there_is_a_default_tier(
        self, ada: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = await ada.project()
        headers = {"authorization": f"Bearer {made['secretKey']}", "x-user-id": "u"}
        refused = await anybody.post("/api/data", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "unknown_tier")
        await put_tier(ada, made["project"]["id"], name="free", limit=1)
        assert (await anybody.post("/api/data", headers=headers)).status_code == 200


class TestChanging:
    async def test_what_is_sent_and_nothing_else(self, ada: Developer) -> None:
        project = (await ada.project(origins=["https://example.com"]))["project"]
        path = f"/platform/projects/{project['id']}"
        await put_tier(ada, project["id"], name="pro")
        changed = await ada.client.patch(path, json={"name": "new", "defaultTier": "pro"})
        assert changed.json() == {**project, "name": "new", "defaultTier": "pro"}
        cleared = await ada.client.patch(path, json={"origins": []})
        assert cleared.json()["origins"] == []

    async def test_422_a_default_tier_that_is_not_there(self, ada: Developer) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}"
        answer = await ada.client.patch(path, json={"defaultTier": "gold"})
        assert answer.json()["errors"][0]["pointer"] == "/defaultTier"

    async def test_412_changed_meanwhile(self, ada: Developer) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}"
        match = {"if-match": (await ada.client.get(path)).headers["etag"]}
        assert (await ada.client.patch(path, json={"name": "b"}, headers=match)).is_success
        assert (await ada.client.patch(path, json={"name": "c"}, headers=match)).status_code == 412
        assert (await ada.client.delete(path, headers=match)).status_code == 412


class TestCredentials:
    async def test_they_are_listed_masked(self, ada: Developer) -> None:
        made = await ada.project()
        path = f"/platform/projects/{made['project']['id']}/credentials"
        answer = await ada.client.get(path)
        publishable, secret = answer.json()["data"]
        assert (publishable["kind"], secret["kind"]) == ("pk", "sk")
        assert secret["masked"] == f"sk_test_...{made['secretKey'][-4:]}"
        assert made["secretKey"] not in answer.text

    async def test_a_secret_key_is_made_rotated_with_grace_and_revoked(
        self, ada: Developer, anybody: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}/credentials"
        made = (await ada.client.post(path, json={"name": "ci"})).json()
        assert (await tiers(anybody, made["key"])).status_code == 200
        body = {"graceSeconds": 60}
        new = (await ada.client.post(f"{path}/{made['keyId']}/rotate", json=body)).json()
        assert (new["name"], new["kind"]) == ("ci", "sk")
        for key in (made["key"], new["key"]):
            assert (await tiers(anybody, key)).status_code == 200
        clock.advance(60)
        assert (await tiers(anybody, made["key"])).status_code == 401
        assert (await ada.client.delete(f"{path}/{new['keyId']}")).status_code == 204
        assert (await tiers(anybody, new["key"])).status_code == 401
        again = await ada.client.post(f"{path}/{new['keyId']}/rotate")
        assert again.status_code == 409

    async def test_a_replayed_rotation_has_no_secret(self, ada: Developer) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}/credentials"
        secret = (await ada.client.get(path)).json()["data"][1]["keyId"]
        field = {"idempotency-key": "k"}
        one, two = [
            (await ada.client.post(f"{path}/{secret}/rotate", headers=field)).json()
            for _ in range(2)
        ]
        key = one.pop("key")
        assert key.startswith("sk_test_")
        assert two == {**one, "replayed": True}

    async def test_the_publishable_key_is_rotated_with_grace_and_never_just_revoked(
        self, ada: Developer, anybody: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        project = (await ada.project())["project"]
        path = f"/platform/projects/{project['id']}"
        old = project["publishableKey"]
        answer = await ada.client.post(f"{path}/publishable-key/rotate", json={"graceSeconds": 9})
        new = answer.json()["key"]
        assert (await ada.client.get(path)).json()["publishableKey"] == new != old
        for key in (old, new):
            assert (await tiers(anybody, key)).status_code == 200
        clock.advance(9)
        assert (await tiers(anybody, old)).status_code == 401
        assert (await tiers(anybody, new)).status_code == 200
        current = f"{path}/credentials/{answer.json()['keyId']}"
        assert (await ada.client.delete(current)).status_code == 409
        assert (await ada.client.post(f"{current}/rotate")).status_code == 409

    async def test_422_a_key_that_has_ended_already(self, ada: Developer) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}/credentials"
        answer = await ada.client.post(path, json={"expiresAt": "2001-01-01T00:00:00Z"})
        assert answer.json()["errors"][0]["pointer"] == "/expiresAt"

    async def test_404_a_customers_key(self, ada: Developer, anybody: httpx.AsyncClient) -> None:
        made = await ada.project()
        own = {"authorization": f"Bearer {made['secretKey']}"}
        body = {"email": "a@example.com", "externalId": "u"}
        answer = await anybody.post("/api/customers", json=body, headers=own)
        path = f"/api/customers/{answer.json()['customer']['id']}/keys"
        key = (await anybody.post(path, headers=own)).json()
        path = f"/platform/projects/{made['project']['id']}/credentials/{key['keyId']}"
        assert (await ada.client.delete(path)).status_code == 404


class TestPromotion:
    async def promote(self, ada: Developer, project: str, **fields: str) -> dict[str, Any]:
        answer = await ada.client.post(f"/platform/projects/{project}/promote", headers=fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def ready(self, ada: Developer) -> dict[str, Any]:
        made = await ada.project(
            name="shop", origins=["https://example.com"], branding={"displayName": "Shop"}
        )
        project = made["project"]["id"]
        await put_tier(ada, project, name="free", limit=5, priceId="price_test")
        body = {"name": "mug", "price": 900, "inventory": 3, "priceId": "price_test"}
        headers = {"x-project-id": project}
        answer = await ada.client.post("/api/products", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return made

    async def test_tiers_products_and_settings_and_never_customers_or_keys(
        self, ada: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = await self.ready(ada)
        own = {"authorization": f"Bearer {made['secretKey']}", "x-user-id": "u"}
        await anybody.post("/api/data", headers=own)
        promoted = await self.promote(ada, made["project"]["id"])
        live = promoted["project"]
        assert (live["mode"], live["promotedFrom"]) == ("live", made["project"]["id"])
        for name in ("name", "origins", "branding", "defaultTier", "alignment", "type"):
            assert live[name] == made["project"][name]
        assert promoted["secretKey"].startswith("sk_live_")
        of_live = {"authorization": f"Bearer {promoted['secretKey']}"}
        assert (await anybody.get("/api/customers", headers=of_live)).json()["data"] == []
        (tier,) = (await anybody.get("/api/tiers", headers=of_live)).json()["tiers"]
        assert (tier["name"], tier["limit"], tier["priceId"]) == ("free", 5, None)
        (product,) = (await anybody.get("/api/products", headers=of_live)).json()["products"]
        assert (product["price"], product["inventory"], product["priceId"]) == (900, 3, None)

    async def test_again_changes_the_same_project_and_keeps_what_is_its_own(
        self, ada: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = await self.ready(ada)
        first = await self.promote(ada, made["project"]["id"])
        live, test = {"x-project-id": first["project"]["id"]}, made["project"]["id"]
        await put_tier(ada, first["project"]["id"], name="legacy")
        (product,) = (await ada.client.get("/api/products", headers=live)).json()["products"]
        sold = {"name": "mug", "price": 900, "inventory": 1, "priceId": "price_live"}
        path = f"/api/products/{product['id']}"
        assert (await ada.client.put(path, json=sold, headers=live)).status_code == 200
        tier = {"limit": 50, "priceId": "price_test"}
        of_test = {"x-project-id": test}
        assert (await ada.client.put("/api/tiers/free", json=tier, headers=of_test)).is_success
        again = await self.promote(ada, test)
        assert "secretKey" not in again
        assert again["project"]["id"] == first["project"]["id"]
        assert again["project"]["publishableKey"] == first["project"]["publishableKey"]
        assert (await tiers(anybody, first["secretKey"])).status_code == 200
        found = (await ada.client.get("/api/tiers", headers=live)).json()["tiers"]
        assert {each["name"]: each["limit"] for each in found} == {
            "free": 50,
            "legacy": "unlimited",
        }
        (kept,) = (await ada.client.get("/api/products", headers=live)).json()["products"]
        assert (kept["inventory"], kept["priceId"]) == (1, "price_live")

    async def test_all_or_nothing(self, ada: Developer, gateway: Gateway) -> None:
        made = await self.ready(ada)
        broken = "CREATE TRIGGER no BEFORE INSERT ON products BEGIN SELECT RAISE(ABORT, 'no'); END"
        async with gateway.stores.records_engine().begin() as connection:
            await connection.execute(text(broken))
        path = f"/platform/projects/{made['project']['id']}/promote"
        assert (await ada.client.post(path)).status_code >= 400
        (only,) = (await ada.client.get("/platform/projects")).json()["data"]
        assert only["mode"] == "test"
        async with gateway.stores.records_engine().begin() as connection:
            await connection.execute(text("DROP TRIGGER no"))
        await self.promote(ada, made["project"]["id"])

    async def test_409_a_live_project(self, ada: Developer) -> None:
        made = await ada.project(mode="live")
        path = f"/platform/projects/{made['project']['id']}/promote"
        assert (await ada.client.post(path)).status_code == 409


class TestDeleting:
    async def test_its_keys_stop_at_once_and_work_again_when_it_is_restored(
        self, ada: Developer, anybody: httpx.AsyncClient
    ) -> None:
        made = await ada.project()
        path, secret = f"/platform/projects/{made['project']['id']}", made["secretKey"]
        assert (await tiers(anybody, secret)).status_code == 200
        assert (await ada.client.delete(path)).status_code == 204
        for key in (secret, made["project"]["publishableKey"]):
            answer = await tiers(anybody, key)
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")
        for method in ("GET", "PATCH", "DELETE"):
            body: Any = {"json": {}} if method == "PATCH" else {}
            assert (await ada.client.request(method, path, **body)).status_code == 404
        listing = "/platform/projects"
        assert (await ada.client.get(listing)).json()["data"] == []
        (gone,) = (await ada.client.get(f"{listing}?deleted=true")).json()["data"]
        assert (gone["id"], gone["deletedAt"] is None) == (made["project"]["id"], False)
        restored = await ada.client.post(f"{path}/restore")
        assert restored.json() == made["project"]
        assert (await tiers(anybody, secret)).status_code == 200
        assert (await ada.client.post(f"{path}/restore")).status_code == 200

    async def test_409_too_late_to_restore(
        self, ada: Developer, tokens: Any, clock: FakeClock
    ) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}"
        await ada.client.delete(path)
        clock.advance(30 * DAY + 1)
        headers = {"authorization": f"Bearer {tokens.sign('ada')}"}
        answer = await ada.client.post(f"{path}/restore", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    async def test_it_is_audited(self, ada: Developer) -> None:
        path = f"/platform/projects/{(await ada.project())['project']['id']}"
        await ada.client.delete(path)
        await ada.client.post(f"{path}/restore")
        entries = (await ada.client.get("/platform/audit?limit=2")).json()["data"]
        assert [each["action"] for each in entries] == ["project.restore", "project.delete"]
