"""`/dashboard/{project}/payments` and `/plan`, with the fake Stripe behind them."""

from __future__ import annotations

import re
import shutil
from html import unescape
from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, open_board
from tests.dashboard.test_customers import send_to

from dream_gateway.model import Mode
from dream_gateway.records import accounts
from dream_gateway.records.accounts import AccountStatus
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.local.conftest import Browser

    from dream_gateway.records.accounts import Connected


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as made:
        yield made


@pytest.fixture
async def paying(tmp_path: Path, migrated: Path, fake: FakeStripe) -> AsyncIterator[Board]:
    path, keys = shutil.copy(migrated, tmp_path / "gateway.db"), fake.keys()
    stripe: dict[str, object] = {
        "secret_key": keys.secret,
        "client_id": keys.client_id,
        "webhook_secret": "whsec_" + "c" * 32,
        "api_url": fake.base_url,
        "connect_url": fake.base_url,
    }
    async with open_board(f"sqlite:///{path}", stripe=stripe) as each:
        yield each


async def test_an_account_is_connected_asked_for_and_disconnected(
    paying: Board, fake: FakeStripe
) -> None:
    ada = await paying.developer()
    project = await paying.project(ada)
    home = f"/dashboard/{project}/payments"
    await ada.open(home)
    assert await send_to(ada, "/connect", {}) == 200
    url = onward(ada)
    assert url.startswith(fake.base_url)
    back = fake.people.allow(url, fake.people.owner())
    answer = await ada.open(back.removeprefix(paying.world.url))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{paying.world.url}{home}?connected=test")
    assert (await account_of(paying, project)).status is AccountStatus.ACTIVE
    await ada.open(home)
    assert await send_to(ada, "/refresh", {}) == 303
    await ada.open(home)
    assert await send_to(ada, "/disconnect", {}) == 303
    assert (await account_of(paying, project)).status is AccountStatus.DEAUTHORIZED
    await ada.open(home)
    assert "was disconnected" in ada.shown


async def test_another_browser_cannot_end_what_this_one_began(
    paying: Board, fake: FakeStripe
) -> None:
    ada = await paying.developer()
    project = await paying.project(ada)
    await ada.open(f"/dashboard/{project}/payments")
    await send_to(ada, "/connect", {})
    back = fake.people.allow(onward(ada), fake.people.owner())
    answer = await paying.browser().open(back.removeprefix(paying.world.url))
    assert answer.status_code == 400
    async with paying.gateway.records.read() as connection:
        platform = await paying.platform_of(project)
        assert await accounts.of_platform(connection, platform, Mode.TEST) is None


async def test_a_new_account_is_begun(paying: Board) -> None:
    ada = await paying.developer()
    project = await paying.project(ada)
    await ada.open(f"/dashboard/{project}/payments")
    assert await send_to(ada, "/onboard", {}) == 200
    assert onward(ada).startswith("http")
    assert (await account_of(paying, project)).status is AccountStatus.ONBOARDING
    await ada.open(f"/dashboard/{project}/payments")
    assert "not yet: the account is not complete" in ada.shown


async def test_a_gateway_that_sells_no_plan_says_so(paying: Board) -> None:
    ada = await paying.developer()
    project = await paying.project(ada)
    await ada.open(f"/dashboard/{project}/plan")
    assert "sells no plan" in ada.shown


def onward(browser: Browser) -> str:
    (found,) = re.findall(r'<a class="button" href="([^"]+)" rel="noreferrer">', browser.shown)
    return unescape(found)


async def account_of(board: Board, project: str) -> Connected:
    platform = await board.platform_of(project)
    async with board.gateway.records.read() as connection:
        found = await accounts.of_platform(connection, platform, Mode.TEST)
    assert found is not None
    return found
