"""Platforms, developers, members, projects, products and promotion, on each engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import ConflictError
from dream_gateway.gateway import Gateway
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Branding, Mode, Product, Role
from dream_gateway.records import audit, developers, platforms, products, projects, promotion, tiers
from dream_gateway.records.projects import ProjectDraft
from dream_gateway.service.standing import Standings
from dream_gateway.service.stored import StoredDirectory
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADA = Identified("https://issuer.example", "ada", "ada@example.com", email_verified=True)


@pytest.fixture
async def gateway(store: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(store=store, journal_dir=f"{tmp_path}/journals"))
    await gateway.start()
    yield gateway
    await gateway.close()


async def test_everything_about_a_platform(gateway: Gateway) -> None:
    async with gateway.records.write("test") as writer:
        shop = await platforms.create(writer, "shop")
        assert await developers.invite(writer, shop.id, "Ada@example.com", Role.ADMIN) is not None
        assert await developers.invite(writer, shop.id, "ada@example.com", Role.ADMIN) is None
        ada = await developers.register(writer, ADA)
        draft = ProjectDraft(
            "shop",
            Mode.TEST,
            "free",
            origins=("https://example.com",),
            branding=Branding("Shop", {"primary": "#336699"}),
        )
        test = (await projects.create(writer, shop.id, draft)).project
        await tiers.put(writer, test.id, parse_tier("free=5/day@2/s"))
        mug = Product("prod_1", test.id, "mug", 999, "usd", writer.now, inventory=3)
        await products.add(writer, mug)
        live = (await promotion.promote(writer, test)).project
        await projects.delete(writer, test)
        await platforms.set_unpaid(writer, shop, unpaid=True)
        announced = [change.ref for change in writer.changes]
        assert {test.id, live.id} <= set(announced[-2:])
        await platforms.suspend(writer, shop, suspended=True)
    async with gateway.records.read() as connection:
        found = await developers.find(connection, ADA.issuer, ADA.subject)
        assert found == ada
        home, joined = await developers.platforms_of(connection, ada)
        assert (home.membership.role, joined.membership.role) == (Role.OWNER, Role.ADMIN)
        assert joined.platform.suspended
        assert await projects.find(connection, test.id) is None
        (gone,) = await projects.page(connection, shop.id, None, 10, deleted=True)
        (there,) = await projects.page(connection, shop.id, None, 10, deleted=False)
        assert (gone.id, there.id, there.suspended) == (test.id, live.id, True)
        assert (there.origins, there.branding) == (draft.origins, draft.branding)
        (copy,) = await products.of_project(connection, live.id)
        assert (copy.name, copy.price, copy.inventory) == ("mug", 999, 3)
        assert await tiers.of_project(connection, live.id) == [parse_tier("free=5/day@2/s")]
        assert await projects.allows_origin(connection, "https://example.com")
        first = await platforms.page(connection, None, 1)
        rest = await platforms.page(connection, first[0].id, 10)
        assert {each.id for each in first + rest} == {shop.id, home.platform.id}
        entries = await audit.page(connection, audit.Wanted(platform=shop.id), None, 100)
        assert {each.platform for each in entries} == {shop.id}


@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize("unpaid", [True, False])
async def test_what_a_platform_owes_and_the_operators_word_are_undone_each_by_itself(
    gateway: Gateway, *, suspended: bool, unpaid: bool
) -> None:
    async with gateway.records.write("test") as writer:
        shop = await platforms.create(writer, "shop")
        made = await projects.create(writer, shop.id, ProjectDraft("a", Mode.TEST, "b"))
        for reason in (True, suspended):
            shop = await platforms.suspend(writer, shop, suspended=reason)
        for reason in (True, unpaid):
            shop = await platforms.set_unpaid(writer, shop, unpaid=reason)
    async with gateway.records.read() as connection:
        assert await platforms.find(connection, shop.id) == shop
        project = await projects.find(connection, made.project.id)
        assert project is not None
        assert (shop.suspended, shop.unpaid) == (suspended, unpaid)
        assert project.suspended is (suspended or unpaid)


async def test_a_first_call_made_by_many_at_once_registers_one(gateway: Gateway) -> None:
    standings = Standings(StoredDirectory(gateway.records), (), ())
    made = await asyncio.gather(*(standings._register(ADA) for _ in range(8)))
    assert len({each.id for each in made}) == 1
    async with gateway.records.read() as connection:
        assert len(await developers.platforms_of(connection, made[0])) == 1


async def test_a_name_that_is_taken_is_a_conflict_until_it_is_deleted(gateway: Gateway) -> None:
    async with gateway.records.write("test") as writer:
        shop = await platforms.create(writer, "shop")
        test = (await projects.create(writer, shop.id, ProjectDraft("a", Mode.TEST, "b"))).project
        mug = Product("prod_1", test.id, "mug", 999, "usd", writer.now)
        await products.add(writer, mug)
    again = Product("prod_2", test.id, "mug", 1, "usd", 0.0)
    with pytest.raises(ConflictError):
        async with gateway.records.write("test") as writer:
            await products.add(writer, again)
    async with gateway.records.write("test") as writer:
        await products.delete(writer, mug)
        await products.add(writer, again)
