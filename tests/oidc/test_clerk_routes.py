"""`POST /webhook/clerk`, and `POST /api/customers` with a password, on a real gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from tests.oidc.clerk_api import SECRET_KEY
from tests.oidc.test_clerk import SECRETS, event, signed
from tests.oidc.test_end_users import client, opened
from tests.service.conftest import WithIdentities

from dream_gateway.records.schema import audit_log, deliveries, identity_links
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway_oidc.clerk_users import ClerkUsers
from dream_gateway_oidc.clerk_webhook import ClerkWebhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from tests.oidc.clerk_api import ClerkApi
    from tests.oidc.conftest import Issuer
    from tests.oidc.test_end_users import World

    from dream_gateway.model import Customer
    from dream_gateway.testing import FakeClock

ADA = {"email": "ada@example.com", "password": "correct horse", "firstName": "Ada"}


@pytest.fixture
async def world(
    tmp_path: Path, issuer: Issuer, clock: FakeClock, clerk: ClerkApi
) -> AsyncIterator[World]:
    async with opened(tmp_path, clock, issuer) as world:
        users = ClerkUsers(issuer.url, SECRET_KEY, clerk.url)
        world.gateway.plugins = WithIdentities(
            [], administrations=[users], webhooks=[_webhook(world)]
        )
        async with client(create_service(ServiceHost(world.gateway))) as world.service:
            yield world


def _webhook(world: World) -> ClerkWebhook:
    return ClerkWebhook(world.issuer.url, SECRETS[:1], world.clock)


async def create(world: World, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {world.secret_key}", **more.pop("headers", {})}
    return await world.service.post("/api/customers", json={**ADA, **more}, headers=headers)


async def tell(world: World, body: str, message: str = "msg_1") -> httpx.Response:
    headers = signed(body, world.clock.now(), message=message)
    return await world.service.post("/webhook/clerk", content=body, headers=headers)


async def person(world: World) -> Customer:
    (found,) = await world.people()
    return found


class TestPassword:
    async def test_201_the_customer_is_whom_the_providers_tokens_name(
        self, world: World, clerk: ClerkApi
    ) -> None:
        made = await create(world, plan="pro")
        assert made.status_code == 201, made.text
        customer = made.json()["customer"]
        assert (customer["externalId"], customer["plan"]) == ("user_1", "pro")
        assert clerk.users["user_1"]["public_metadata"] == {"publishableKey": world.publishable_key}
        answer = await world.ask(world.token(sub="user_1"))
        assert (answer.status_code, answer.headers["x-dream-plan"]) == (200, "pro")
        assert (await person(world)).id == customer["id"]
        assert "correct horse" not in made.text

    async def test_201_an_external_id_of_their_own(self, world: World) -> None:
        assert (await create(world, externalId="ada")).status_code == 201
        answer = await world.ask(world.token(sub="user_1"))
        assert answer.headers["x-dream-customer"] == "ada"

    async def test_201_a_repeat_creates_nobody_at_the_provider(
        self, world: World, clerk: ClerkApi
    ) -> None:
        headers = {"idempotency-key": "once"}
        first, again = [await create(world, headers=headers) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert len(clerk.users) == 1
        other = await create(world, headers=headers, email="bob@example.com")
        assert (other.status_code, len(clerk.users)) == (422, 1)

    async def test_409_a_taken_address(self, world: World) -> None:
        await create(world)
        assert (await create(world)).status_code == 409
        assert len(await world.people()) == 1

    async def test_409_a_taken_external_id_leaves_nobody_at_the_provider(
        self, world: World, clerk: ClerkApi
    ) -> None:
        await create(world, externalId="ada")
        second = await create(world, externalId="ada", email="bob@example.com")
        assert (second.status_code, list(clerk.users)) == (409, ["user_1"])

    async def test_a_customer_who_cannot_be_kept_is_undone_at_the_provider(
        self, world: World, clerk: ClerkApi
    ) -> None:
        racing = [
            create(world, externalId="ada", email=f"{name}@example.com") for name in ("a", "b", "c")
        ]
        statuses = sorted([answer.status_code for answer in await asyncio.gather(*racing)])
        assert statuses == [201, 409, 409]
        assert len(clerk.users) == len(await world.people()) == 1

    @pytest.mark.parametrize("change", [{"password": "short"}, {"plan": "none"}])
    async def test_422(self, world: World, clerk: ClerkApi, change: dict[str, Any]) -> None:
        answer = await create(world, **change)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert (clerk.users, await world.people()) == ({}, [])

    async def test_503_the_provider_is_away(self, world: World, clerk: ClerkApi) -> None:
        clerk.away = True
        answer = await create(world)
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
        assert await world.people() == []


class TestWebhook:
    @pytest.fixture
    async def ada(self, world: World) -> Customer:
        assert (await world.ask(world.token(sub="user_1", email="old@example.com"))).is_success
        return await person(world)

    async def test_200_a_user_changed(self, world: World, ada: Customer) -> None:
        answer = await tell(world, event(last_name="Example"))
        assert (answer.status_code, answer.json()) == (200, {"received": True})
        changed = await person(world)
        assert (changed.id, changed.plan) == (ada.id, ada.plan)
        assert changed.email == "ada@example.com"
        assert (changed.first_name, changed.last_name) == ("Ada", "Example")
        async with world.gateway.records.read() as connection:
            query = select(audit_log.c.actor).where(audit_log.c.action == "customer.update")
            assert (await connection.execute(query)).scalars().all() == ["webhook/clerk"]

    async def test_200_a_user_was_deleted(self, world: World, ada: Customer) -> None:
        token = world.token(sub="user_1")
        assert (await world.ask(token)).is_success
        key = await world.service.post(
            f"/api/customers/{ada.id}/keys",
            json={},
            headers={"authorization": f"Bearer {world.secret_key}"},
        )
        body = '{"type": "user.deleted", "data": {"id": "user_1", "deleted": true}}'
        assert (await tell(world, body)).status_code == 200
        assert await world.people() == []
        assert (await world.ask(token)).status_code == 401
        own = {"authorization": f"Bearer {key.json()['key']}"}
        assert (await world.edge.get("/authorize", headers=own)).status_code == 401
        late = event(updated_at=4_000_000_000_000)
        assert (await tell(world, late, "msg_2")).status_code == 200
        assert await world.people() == []

    async def test_200_a_message_counts_once(self, world: World, ada: Customer) -> None:
        await tell(world, event())
        async with world.gateway.records.write("test") as writer:
            await writer.connection.execute(identity_links.update().values(told_at=0))
        await tell(world, event(first_name="Eve"))
        assert (await person(world)).first_name == "Ada"
        await tell(world, event(first_name="Eve"), "msg_2")
        assert (await person(world)).first_name == "Eve"
        assert ada.first_name is None

    async def test_200_older_news_do_not_undo_newer(self, world: World, ada: Customer) -> None:
        await tell(world, event(first_name="New", updated_at=2_000), "msg_2")
        await tell(world, event(first_name="Old", updated_at=1_000), "msg_1")
        assert (await person(world)).first_name == "New"
        assert ada.id == (await person(world)).id

    async def test_200_a_user_nobody_heard_of(self, world: World) -> None:
        assert (await tell(world, event(id="user_9"))).status_code == 200
        assert await world.people() == []

    async def test_old_messages_are_forgotten(self, world: World) -> None:
        await tell(world, event(), "msg_1")
        world.clock.advance(15 * 86_400)
        await tell(world, event(), "msg_2")
        async with world.gateway.records.read() as connection:
            assert (await connection.execute(select(deliveries.c.id))).scalars().all() == ["msg_2"]

    async def test_401_what_clerk_did_not_sign(self, world: World, ada: Customer) -> None:
        body = event()
        headers = signed(body, world.clock.now(), SECRETS[1])
        for fields in ({}, headers):
            answer = await world.service.post("/webhook/clerk", content=body, headers=fields)
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")
        assert await person(world) == ada

    async def test_422_signed_nonsense(self, world: World) -> None:
        assert (await tell(world, "[]")).status_code == 422

    async def test_413_a_body_without_end(self, world: World) -> None:
        assert (await tell(world, "x" * (300 << 10))).status_code == 413

    async def test_404_without_the_plugin(
        self, tmp_path: Path, clock: FakeClock, issuer: Issuer
    ) -> None:
        async with opened(tmp_path / "", clock, issuer) as without:
            answer = await without.service.post("/webhook/clerk", content="{}")
            assert answer.status_code == 404


async def test_the_document_tells_of_the_webhook(world: World) -> None:
    paths = (await world.service.get("/openapi.json")).json()["paths"]
    assert "/webhook/clerk" in paths
