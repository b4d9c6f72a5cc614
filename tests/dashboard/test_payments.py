"""`/dashboard/{project}/payments` and `/plan`, with the fake Stripe behind them."""

from __future__ import annotations

import re
import shutil
from functools import partial
from html import unescape
from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, open_board
from tests.dashboard.test_customers import send_to
from tests.waiting import eventually

from dream_gateway.model import Mode
from dream_gateway.payments import About, Account, AccountState, Endpoint, Event
from dream_gateway.records import accounts, inbox
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.records.inbox import InboxStatus
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


async def test_events_that_failed_are_shown_and_taken_again_by_their_platforms_developers(
    paying: Board, fake: FakeStripe
) -> None:
    ada, grace = await paying.developer(), await paying.developer("grace@example.com")
    project, other = await paying.project(ada), await paying.project(grace)
    account = Account(fake.people.connected(), live=False)
    state = AccountState(account.id or "", charges=True, details_submitted=True)
    async with paying.gateway.records.write("test") as writer:
        platform = await paying.platform_of(project)
        await accounts.connect(writer, platform, Mode.TEST, state, AccountStatus.ACTIVE)
    for name in ("evt_1", "evt_2"):
        await fail(paying, account, name)
    home = f"/dashboard/{project}/webhooks"
    await ada.open(home)
    assert ada.shown.count("It was poison.") == 2
    assert "evt_1" not in (await grace.open(f"/dashboard/{other}/webhooks")).text
    # The last form is the oldest event's, the first is for all.
    for form, left in ((-1, {"evt_2"}), (0, set())):
        await ada.open(home)
        again = ada.forms("/received/replay")[form]
        assert (await ada.send({}, form=again)).status_code == 303
        assert await failed(paying, account) == left
    assert (await paying.gateway_audit())[0] == "payment_events.replay"
    await eventually(partial(dealt_with, paying), "dealt with")
    # What did not fail is not there to be taken again; nor is it for whoever is not connected.
    await fail(paying, account, "evt_3")
    await ada.open(home)
    again = ada.forms("/received/replay")[0]
    assert (await ada.send({"event": "evt_1"}, form=again)).status_code == 422
    assert "no event of this id that failed" in ada.shown
    await paying.walk(grace, f"/dashboard/{other}/webhooks")
    body = {"token": token_of(grace), "event": "evt_3"}
    refused = await grace.client.post(
        f"/dashboard/{other}/webhooks/received/replay",
        data=body,
        headers={"origin": paying.world.url},
    )
    assert refused.status_code == 422
    assert await failed(paying, account) == {"evt_3"}


async def fail(board: Board, account: Account, name: str) -> None:
    """Keep an event about a subscription that nobody has, and give it up."""
    event = Event(
        name, "customer.subscription.updated", account, 1.0, About.SUBSCRIPTION, f"sub_{name}"
    )
    async with board.gateway.records.write("test") as writer:
        assert await inbox.put(writer, Endpoint.CONNECT, event)
        taken = await inbox.take(writer, 60.0)
        assert taken is not None
        await inbox.park(writer, taken, "It was poison.")


async def failed(board: Board, account: Account) -> set[str]:
    async with board.gateway.records.read() as connection:
        return {each.event_id for each in await inbox.failed(connection, account, 100)}


async def dealt_with(board: Board) -> bool:
    async with board.gateway.records.read() as connection:
        there = await inbox.page(connection, None, None, 100)
    return {each.status for each in there} == {InboxStatus.IGNORED}


def token_of(browser: Browser) -> str:
    return str(re.findall(r'name="token" value="([^"]+)"', browser.shown)[0])


def onward(browser: Browser) -> str:
    (found,) = re.findall(r'<a class="button" href="([^"]+)" rel="noreferrer">', browser.shown)
    return unescape(found)


async def account_of(board: Board, project: str) -> Connected:
    platform = await board.platform_of(project)
    async with board.gateway.records.read() as connection:
        found = await accounts.of_platform(connection, platform, Mode.TEST)
    assert found is not None
    return found
