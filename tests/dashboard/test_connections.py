"""`/dashboard/{project}/webhooks`, `/team`, `/appearance`, `/audit`, `/payments` and `/plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, listened
from tests.dashboard.test_customers import send_to

from dream_gateway.demo.crowd import Crowd, populate
from dream_gateway.model import Role
from dream_gateway.records import developers, projects, webhook_endpoints
from dream_gateway.records.messages import EndpointStatus

if TYPE_CHECKING:
    from tests.local.conftest import Browser

    from dream_gateway.model import Membership
    from dream_gateway.records.webhook_endpoints import Endpoint

SMALL = Crowd(customers=20, days=3, events=40, orders=5)
MOST_BYTES = 100_000
MOST_QUERIES = 9
Shop = tuple[Board, "Browser", str]
ADDRESS = "https://hooks.example.com/in"


@pytest.fixture
async def shop(board: Board) -> Shop:
    ada = await board.developer()
    return board, ada, await board.project(ada)


async def test_pages_are_made_by_few_queries(anywhere: Board) -> None:
    ada = await anywhere.developer()
    project = await anywhere.project(ada)
    ledger = anywhere.gateway.stores.ledger()
    await populate(anywhere.gateway.records, ledger, project, SMALL)
    await ada.open(f"/dashboard/{project}/webhooks")
    await send_to(ada, "/webhooks", {"url": ADDRESS})
    said = listened(anywhere)
    for page in ("webhooks", "team", "appearance", "audit", "payments", "plan"):
        said.clear()
        answer = await ada.open(f"/dashboard/{project}/{page}")
        assert answer.status_code == 200, page
        assert len([each for each in said if each.startswith("SELECT")]) <= MOST_QUERIES, page
        assert len(answer.content) < MOST_BYTES
        assert 'style="' not in answer.text
        assert f'/{page}" aria-current="page"' in answer.text


async def test_an_endpoint_is_made_tried_disabled_and_deleted(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/webhooks"
    await ada.open(home)
    assert await send_to(ada, "/webhooks", {"url": "no address"}) == 422
    assert 'id="url-error"' in ada.shown
    values = {"url": ADDRESS, "description": "ours", "types": "key.revoked"}
    assert await send_to(ada, "/webhooks", values) == 201
    assert ada.shown.count("whsec_") == 1
    endpoint = await endpoint_of(board, project)
    assert (endpoint.url, endpoint.types) == (ADDRESS, ("key.revoked",))
    await ada.open(home)
    assert await send_to(ada, "/test", {}) == 303
    await ada.open(f"{home}?status=pending")
    assert "webhook.test" in ada.shown
    assert "webhook.test" not in (await ada.open(f"{home}?status=failed")).text
    assert await send_to(ada, "/rotate", {}) == 201
    assert "whsec_" in ada.shown
    await ada.open(home)
    assert await send_to(ada, "/disable", {}) == 303
    assert (await endpoint_of(board, project)).status is EndpointStatus.DISABLED
    await ada.open(home)
    assert "Send again" in ada.shown
    assert await send_to(ada, "/enable", {}) == 303
    await ada.open(home)
    # The second: the endpoint's own sends whatever was missed.
    again = ada.forms("/replay")[1]
    assert (await ada.send({}, form=again)).status_code == 303
    assert (await board.gateway_audit())[0] == "webhook_endpoint.replay"
    await ada.open(home)
    assert await send_to(ada, "/delete", {}) == 303
    await ada.open(home)
    assert "Nobody is told anything yet" in ada.shown


async def test_the_team_is_let_in_changed_and_removed(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/team"
    await ada.open(home)
    assert await send_to(ada, "/team", {"email": "nobody", "role": "member"}) == 422
    assert 'id="email-error"' in ada.shown
    await ada.open(home)
    assert await send_to(ada, "/team", {"email": "grace@example.com", "role": "member"}) == 303
    grace = await board.developer("grace@example.com")
    assert (await grace.open(home)).status_code == 200
    assert "Let somebody in" not in grace.shown
    assert (await grace.open(f"/dashboard/{project}/audit")).status_code == 403
    other = next(each for each in await team(board, project) if each.email == "grace@example.com")
    await ada.open(home)
    assert await send_to(ada, f"/team/{other.id}", {"role-of": "admin"}) == 303
    assert {each.role for each in await team(board, project)} == {Role.OWNER, Role.ADMIN}
    assert (await grace.open(f"/dashboard/{project}/audit")).status_code == 200
    await ada.open(home)
    assert await send_to(ada, f"{other.id}/remove", {}) == 303
    assert (await grace.open(home)).status_code == 404
    await ada.open(home)
    assert await send_to(ada, "/team/name", {"name": "Acme & Sons"}) == 303
    await ada.open(home)
    assert "Team of Acme &amp; Sons" in ada.shown


async def test_the_last_owner_stays(shop: Shop) -> None:
    board, ada, project = shop
    (own,) = await team(board, project)
    await ada.open(f"/dashboard/{project}/team")
    assert await send_to(ada, f"{own.id}/remove", {}) == 422
    assert 'class="error summary"' in ada.shown


async def test_the_appearance_is_changed(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/appearance"
    await ada.open(home)
    values = {
        "name": "Weather",
        "type": "saas",
        "defaultTier": "free",
        "alignment": "calendar",
        "displayName": "Weather for all",
        "logoUrl": "javascript:alert(1)",
        "origins": "https://app.example.com\nnowhere",
        "colour-primary": "#123456",
        "colour-background": "#f7f8fa",
        "colour-text": "#1a1f36",
    }
    assert await send_to(ada, "/appearance", values) == 422
    assert 'id="logoUrl-error"' in ada.shown
    values |= {"logoUrl": "https://images.example.com/logo.svg"}
    assert await send_to(ada, "/appearance", values) == 422
    assert 'id="origins-error"' in ada.shown
    assert (
        await send_to(ada, "/appearance", {**values, "origins": "https://app.example.com"}) == 303
    )
    async with board.gateway.records.read() as connection:
        found = await projects.find(connection, project)
    assert found is not None
    assert found.branding.colours == {"primary": "#123456"}
    assert found.origins == ("https://app.example.com",)
    answer = await ada.open(home)
    assert "https://images.example.com" in answer.headers["content-security-policy"]


async def test_the_audit_log_is_searched(shop: Shop) -> None:
    _, ada, project = shop
    home = f"/dashboard/{project}/audit"
    answer = await ada.open(home)
    assert "project.create" in answer.text
    assert "ada@example.com" in answer.text
    answer = await ada.open(f"{home}?kind=key")
    assert "key.create" in answer.text
    assert "project.create" not in answer.text
    answer = await ada.open(f"{home}?actor=nobody")
    assert "Nothing like that was done" in answer.text


async def test_without_a_payment_provider_nothing_is_offered(shop: Shop) -> None:
    _, ada, project = shop
    answer = await ada.open(f"/dashboard/{project}/payments")
    assert "takes no payments" in answer.text
    assert "Connect an account" not in answer.text
    answer = await ada.open(f"/dashboard/{project}/plan")
    assert "no plan to pay" in answer.text


async def team(board: Board, project: str) -> list[Membership]:
    platform = await board.platform_of(project)
    async with board.gateway.records.read() as connection:
        return await developers.members(connection, platform, None, 10)


async def endpoint_of(board: Board, project: str) -> Endpoint:
    async with board.gateway.records.read() as connection:
        (found,) = await webhook_endpoints.of_project(connection, project)
    return found
