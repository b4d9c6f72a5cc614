"""End users by their tokens, on both planes: `/api/data`, `/api/usage`, `/authorize`."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from sqlalchemy import event, select, update
from tests.oidc.conftest import AUDIENCE, Issuer, running
from tests.service.conftest import WithIdentities

from dream_gateway.administration import Administration
from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.routes import RouteTable
from dream_gateway.gateway import Gateway
from dream_gateway.model import Allowance, AllowanceKind, Interval, Mode, Tier
from dream_gateway.records import customers, projects
from dream_gateway.records.schema import identity_links, platforms
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.settings import Settings
from dream_gateway.storage import Change, Subject
from dream_gateway_oidc.plugin import verifier
from dream_gateway_oidc.settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.oidc.conftest import Keys

    from dream_gateway.model import Customer
    from dream_gateway.testing import FakeClock

LIMIT = 4
TIERS = (
    Tier("free", (Allowance(AllowanceKind.QUOTA, LIMIT, Interval.MONTH),)),
    Tier("pro", (Allowance(AllowanceKind.QUOTA, None, Interval.MONTH),)),
)


@dataclass
class World:
    """A gateway whose end users are the issuer's, with two projects of two platforms."""

    gateway: Gateway
    issuer: Issuer
    clock: FakeClock
    service: httpx.AsyncClient
    edge: httpx.AsyncClient
    project: str
    platform: str
    publishable_key: str
    secret_key: str
    other_key: str

    def token(self, issuer: Issuer | None = None, **changes: Any) -> str:
        return (issuer or self.issuer).token(**{"publishableKey": self.publishable_key, **changes})

    def headers(self, token: str | None = None, **changes: str) -> dict[str, str]:
        return {
            "x-publishable-key": self.publishable_key,
            "authorization": f"Bearer {token or self.token()}",
            **changes,
        }

    async def charge(self, token: str | None = None) -> httpx.Response:
        return await self.service.post("/api/data", headers=self.headers(token))

    async def ask(self, token: str | None = None) -> httpx.Response:
        return await self.edge.get("/authorize", headers=self.headers(token))

    async def people(self) -> list[Customer]:
        async with self.gateway.records.read() as connection:
            return await customers.page(connection, self.project, None, None)


@pytest.fixture
async def world(
    tmp_path: Path, migrated: Path, issuer: Issuer, clock: FakeClock
) -> AsyncIterator[World]:
    shutil.copy(migrated, tmp_path / "gateway.db")
    async with opened(tmp_path, clock, issuer) as world:
        yield world


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock, *issuers: Issuer) -> AsyncIterator[World]:
    gateway = Gateway(Settings(store=f"sqlite:///{folder / 'gateway.db'}"), clock)
    gateway.plugins = WithIdentities(
        [verifier(ProviderSettings(issuer=i.url, audience=(AUDIENCE,)), clock) for i in issuers]
    )
    upstream = HttpUpstream(max_connections=1)
    try:
        await gateway.start()
        made = await Administration(gateway.records).create_platform("one", Mode.TEST, TIERS, ())
        other = await Administration(gateway.records).create_platform("two", Mode.TEST, TIERS, ())
        edge = Edge(admission=gateway.admission, routes=RouteTable([]), upstream=upstream)
        service = create_service(ServiceHost(gateway))
        async with client(service) as on_service, client(edge) as on_edge:
            yield World(
                gateway,
                issuers[0],
                clock,
                on_service,
                on_edge,
                made.project.id,
                made.project.platform_id,
                made.publishable_key,
                made.secret_key,
                other.publishable_key,
            )
    finally:
        await upstream.close()
        await gateway.close()


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")


async def test_a_first_token_makes_a_customer_on_the_default_tier(world: World) -> None:
    token = world.token(email="ada@example.com", given_name="Ada", plan="pro", tier="pro")
    answer = await world.charge(token)
    assert answer.status_code == 200, answer.text
    usage = answer.json()["usage"]
    assert (usage["userId"], usage["plan"], usage["limit"]) == ("user-1", "free", LIMIT)
    (ada,) = await world.people()
    assert (ada.external_id, ada.email, ada.first_name) == ("user-1", "ada@example.com", "Ada")
    async with world.gateway.records.read() as connection:
        (link,) = (await connection.execute(select(identity_links))).all()
    assert (link.issuer, link.subject, link.customer_id) == (world.issuer.url, "user-1", ada.id)


async def test_both_planes_count_for_the_same_user_and_nobody_else(world: World) -> None:
    mine = world.token()
    assert [(await world.charge(mine)).status_code for _ in range(2)] == [200, 200]
    for _ in range(LIMIT - 2):
        answer = await world.ask(mine)
        assert answer.status_code == 200
        assert answer.headers["x-dream-customer"] == "user-1"
    assert (await world.ask(mine)).status_code == 429
    assert (await world.charge(mine)).json()["code"] == "quota_exceeded"
    theirs = world.token(sub="user-2")
    assert (await world.ask(theirs)).headers["x-dream-customer"] == "user-2"
    told = await world.service.get("/api/usage", headers=world.headers(theirs))
    assert told.json()["usageCount"] == 1


async def test_a_token_in_its_own_field(world: World) -> None:
    headers = {"x-publishable-key": world.publishable_key, "x-clerk-token": world.token()}
    for name in ("authorization", "other"):
        headers[name] = "Bearer for-the-upstream"
        assert (await world.edge.get("/authorize", headers=headers)).status_code == 200
        assert (await world.service.post("/api/data", headers=headers)).status_code == 200


async def test_a_warm_request_reads_no_store_and_verifies_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    assert (await world.charge(token)).status_code == 200
    statements: list[str] = []
    engine = world.gateway.stores.records_engine().sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    monkeypatch.setattr(jwt, "decode", None)
    read = len(world.issuer.read)
    assert (await world.ask(token)).status_code == 200
    assert (await world.charge(token)).status_code == 200
    assert (statements, len(world.issuer.read)) == ([], read)
    monkeypatch.undo()
    assert (await world.ask(world.token(sub="user-2"))).status_code == 200
    assert statements, "a new user does read the store"


async def test_403_the_token_of_another_project(world: World) -> None:
    for claim in (world.other_key, world.secret_key, "pk_test_" + "x" * 36, "", None):
        token = world.token(publishableKey=claim)
        for answer in (await world.ask(token), await world.charge(token)):
            assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch"), claim
    assert await world.people() == []


async def test_403_another_projects_key_beside_the_token(world: World) -> None:
    headers = world.headers(**{"x-publishable-key": world.other_key})
    for plane, path in ((world.edge, "/authorize"), (world.service, "/api/usage")):
        answer = await plane.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")


async def rotate(world: World, grace: int) -> str:
    """Give the project another publishable key; return the old one."""
    async with world.gateway.records.write("test") as writer:
        project = await projects.find(writer.connection, world.project)
        assert project is not None
        _, new = await projects.rotate_publishable_key(writer, project, grace)
    old, world.publishable_key = world.publishable_key, new
    return old


async def beside(world: World, key: str, token: str) -> int:
    headers = world.headers(token, **{"x-publishable-key": key})
    return (await world.edge.get("/authorize", headers=headers)).status_code


async def test_a_rotated_key_lasts_for_its_grace_on_either_side_of_the_token(world: World) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    old = await rotate(world, 30)
    assert await beside(world, old, token) == 200
    assert await beside(world, world.publishable_key, token) == 200
    world.clock.advance(30)
    assert await beside(world, old, token) == 401
    assert await beside(world, world.publishable_key, token) == 401
    assert await beside(world, world.publishable_key, world.token()) == 200


async def test_a_revoked_key_ends_at_once_on_either_side_of_the_token(world: World) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    old = await rotate(world, 0)
    assert await beside(world, old, token) == 401
    assert await beside(world, world.publishable_key, token) == 403
    assert await beside(world, world.publishable_key, world.token()) == 200


async def test_401_bad_tokens_and_keys(world: World) -> None:
    bad = [
        world.headers(world.token(exp=1)),
        world.headers(world.token(aud="another")),
        world.headers(world.token(iss="https://another.example")),
        world.headers(world.token(key=world.issuer.keys.rsa[1])),
        world.headers("nonsense"),
        world.headers(**{"x-publishable-key": "pk_test_" + "x" * 36}),
        world.headers(**{"x-publishable-key": world.secret_key}),
    ]
    for headers in bad:
        for plane, path in ((world.edge, "/authorize"), (world.service, "/api/usage")):
            answer = await plane.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")
    assert await world.people() == []


async def test_a_token_is_worth_nothing_once_it_expired(world: World) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    world.clock.advance(64)
    assert (await world.ask(token)).status_code == 200, "within the leeway"
    world.clock.advance(2)
    assert (await world.ask(token)).status_code == 401
    assert (await world.charge(token)).status_code == 401


async def test_a_token_alone_opens_nothing_without_the_publishable_key(world: World) -> None:
    headers = {"authorization": f"Bearer {world.token()}"}
    for plane, path in ((world.edge, "/authorize"), (world.service, "/api/usage")):
        assert (await plane.get(path, headers=headers)).status_code == 401


async def test_an_upgrade_acts_at_once_and_keeps_the_usage(world: World) -> None:
    token = world.token()
    for _ in range(LIMIT):
        await world.ask(token)
    assert (await world.ask(token)).status_code == 429
    (person,) = await world.people()
    answer = await world.service.patch(
        f"/api/customers/{person.id}",
        json={"plan": "pro"},
        headers={"authorization": f"Bearer {world.secret_key}"},
    )
    assert answer.status_code == 200
    admitted = await world.ask(token)
    assert (admitted.status_code, admitted.headers["x-dream-plan"]) == (200, "pro")
    told = await world.service.get("/api/usage", headers=world.headers(token))
    assert (told.json()["usageCount"], told.json()["limit"]) == (LIMIT + 1, "unlimited")


async def test_a_deleted_customer_does_not_come_back_by_their_token(world: World) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    (person,) = await world.people()
    answer = await world.service.delete(
        f"/api/customers/{person.id}", headers={"authorization": f"Bearer {world.secret_key}"}
    )
    assert answer.status_code == 204
    for each in (token, world.token(jti="another")):
        assert (await world.ask(each)).status_code == 401
        assert (await world.charge(each)).status_code == 401
    assert await world.people() == []


async def test_who_has_the_subject_for_an_external_id_is_somebody_else(world: World) -> None:
    made = await world.service.post(
        "/api/customers",
        json={"email": "other@example.com", "externalId": "user-1", "plan": "pro"},
        headers={"authorization": f"Bearer {world.secret_key}"},
    )
    assert made.status_code == 201
    usage = (await world.charge()).json()["usage"]
    assert usage["plan"] == "free"
    assert usage["userId"].startswith("cus_")
    assert usage["userId"] != made.json()["customer"]["id"]


async def test_the_same_subject_of_two_issuers_is_two_people(
    tmp_path: Path, keys: Keys, issuer: Issuer, clock: FakeClock
) -> None:
    second = Issuer(keys, clock)
    with running(second.server):
        async with opened(tmp_path, clock, issuer, second) as world:
            await world.charge()
            answer = await world.charge(world.token(second))
            assert answer.json()["usage"]["usageCount"] == 1
            assert len(await world.people()) == 2


async def test_first_tokens_at_once_make_one_customer(world: World) -> None:
    tokens = [world.token(jti=str(number)) for number in range(8)]
    answers = await asyncio.gather(*(world.ask(token) for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [200] * LIMIT + [429] * (8 - LIMIT)
    assert len(await world.people()) == 1


async def test_403_of_a_suspended_platform(world: World) -> None:
    token = world.token()
    assert (await world.ask(token)).status_code == 200
    async with world.gateway.records.write("test") as writer:
        here = platforms.c.id == world.platform
        await writer.connection.execute(update(platforms).where(here).values(suspended=True))
        writer.changes.append(Change(Subject.PROJECT, world.project))
    for answer in (await world.ask(token), await world.charge(token)):
        assert (answer.status_code, answer.json()["code"]) == (403, "platform_suspended")


async def test_keys_that_the_provider_changes(world: World) -> None:
    known = world.token()
    assert (await world.ask(known)).status_code == 200
    world.issuer.publish(world.issuer.rsa_jwk(1, "two"))
    world.clock.advance(10)
    new = world.token(key=world.issuer.keys.rsa[1], headers={"kid": "two"}, sub="user-2")
    assert (await world.ask(new)).status_code == 200
    assert (await world.ask(known)).status_code == 200, "it was verified while its key was good"
    assert (await world.ask(world.token(jti="withdrawn"))).status_code == 401


async def test_an_outage_at_the_provider(world: World) -> None:
    world.issuer.status = 503
    for answer in (await world.ask(), await world.charge()):
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    world.issuer.status = 200
    world.clock.advance(10)
    known = world.token()
    assert (await world.ask(known)).status_code == 200
    world.issuer.status = 503
    assert (await world.ask(known)).status_code == 200
    assert (await world.ask(world.token(sub="user-2"))).status_code == 200, "by known keys"
