"""`/platform`, `/platform/members`, `/platform/audit` and `/operator/platforms`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from dream_gateway.records.schema import developers

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Ask, Developer
    from tests.service.signed_tokens import SignedTokens

    from dream_gateway.testing.clock import FakeClock


@pytest.fixture(params=["asgi"])
def speak(speak: Any) -> Any:
    """These are cold routes: the protocol passes them to the ASGI application."""
    return speak


async def platform_of(developer: Developer) -> str:
    answer = await developer.client.get("/platform")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["platform"]["id"])


class TestSignUp:
    async def test_200_the_first_call_registers_with_a_platform_of_ones_own(
        self, ada: Developer, rows: Ask
    ) -> None:
        first, again = [(await ada.client.get("/platform")).json() for _ in range(2)]
        assert first == again
        assert first["platform"]["name"] == "ada@example.com"
        assert (first["developer"]["email"], first["role"]) == ("ada@example.com", "owner")
        assert await rows(select(func.count()).select_from(developers)) == [(1,)]

    async def test_201_names_the_platform(self, ada: Developer) -> None:
        made = await ada.client.post("/platform/sign-up", json={"name": "Engines"})
        assert (made.status_code, made.json()["platform"]["name"]) == (201, "Engines")
        assert (await ada.client.post("/platform/sign-up")).json() == made.json()

    async def test_developers_are_apart(self, ada: Developer, grace: Developer) -> None:
        assert await platform_of(ada) != await platform_of(grace)

    async def test_401_a_token_that_does_not_hold(
        self, anybody: httpx.AsyncClient, tokens: SignedTokens, clock: FakeClock
    ) -> None:
        good = tokens.sign("ada")
        clock.advance(3600)
        head, _, signature = good.split(".")
        for token in (good, f"{head}.e30.{signature}", "a.b.c", "opaque"):
            answer = await anybody.get("/platform", headers={"authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")

    async def test_200_renamed_if_nobody_did_meanwhile(self, ada: Developer) -> None:
        shown = await ada.client.get("/platform")
        match = {"if-match": shown.headers["etag"]}
        one = await ada.client.patch("/platform", json={"name": "One"}, headers=match)
        two = await ada.client.patch("/platform", json={"name": "Two"}, headers=match)
        assert (one.status_code, two.status_code) == (200, 412)
        assert (await ada.client.get("/platform")).json()["platform"]["name"] == "One"


class TestMembers:
    async def invited(self, ada: Developer, email: str, role: str) -> dict[str, Any]:
        body = {"email": email, "role": role}
        answer = await ada.client.post("/platform/members", json=body)
        assert answer.status_code == 201, answer.text
        member: dict[str, Any] = answer.json()
        return member

    async def test_somebody_invited_is_let_in_when_they_sign_in(
        self, ada: Developer, grace: Developer
    ) -> None:
        member = await self.invited(ada, "Grace@example.com", "admin")
        assert member["developerId"] is None
        home = await platform_of(grace)
        listed = (await grace.client.get("/platform/platforms")).json()["data"]
        assert {each["platform"]["id"]: each["role"] for each in listed} == {
            home: "owner",
            await platform_of(ada): "admin",
        }
        (_, joined) = (await ada.client.get("/platform/members")).json()["data"]
        assert (joined["id"], joined["role"]) == (member["id"], "admin")
        assert joined["developerId"] is not None

    async def test_somebody_known_is_let_in_at_once(self, ada: Developer, grace: Developer) -> None:
        await platform_of(grace)
        assert (await self.invited(ada, "grace@example.com", "member"))["developerId"] is not None
        there = {"x-platform-id": await platform_of(ada)}
        assert (await grace.client.get("/platform", headers=there)).json()["role"] == "member"

    async def test_an_address_that_is_not_verified_opens_nothing(
        self, ada: Developer, anybody: httpx.AsyncClient, tokens: SignedTokens
    ) -> None:
        await self.invited(ada, "grace@example.com", "owner")
        claimed = tokens.sign("mallory", "grace@example.com", verified=False)
        headers = {"authorization": f"Bearer {claimed}"}
        listed = (await anybody.get("/platform/platforms", headers=headers)).json()["data"]
        assert [each["role"] for each in listed] == ["owner"]
        there = {**headers, "x-platform-id": await platform_of(ada)}
        assert (await anybody.get("/platform", headers=there)).status_code == 404

    async def test_roles_are_changed_and_members_removed(
        self, ada: Developer, grace: Developer
    ) -> None:
        await platform_of(grace)
        member = await self.invited(ada, "grace@example.com", "member")
        there, path = {"x-platform-id": await platform_of(ada)}, f"/platform/members/{member['id']}"
        create = ("POST", "/platform/projects")
        body = {"json": {"name": "a"}, "headers": there}
        assert (await grace.client.request(*create, **body)).status_code == 403  # type: ignore[arg-type] # a dictionary of both
        await ada.client.patch(path, json={"role": "admin"})
        assert (await grace.client.request(*create, **body)).status_code == 201  # type: ignore[arg-type] # a dictionary of both
        assert (await grace.client.delete(path, headers=there)).status_code == 403
        assert (await ada.client.delete(path)).status_code == 204
        assert (await grace.client.get("/platform", headers=there)).status_code == 404

    async def test_409_the_last_owner_stays(self, ada: Developer) -> None:
        (member,) = (await ada.client.get("/platform/members")).json()["data"]
        path = f"/platform/members/{member['id']}"
        assert (await ada.client.delete(path)).status_code == 409
        assert (await ada.client.patch(path, json={"role": "admin"})).status_code == 409
        await self.invited(ada, "nobody-yet@example.com", "owner")
        assert (await ada.client.delete(path)).status_code == 409

    async def test_409_invited_twice(self, ada: Developer) -> None:
        await self.invited(ada, "grace@example.com", "member")
        body = {"email": "GRACE@example.com", "role": "owner"}
        assert (await ada.client.post("/platform/members", json=body)).status_code == 409

    async def test_pages(self, ada: Developer) -> None:
        for n in range(3):
            await self.invited(ada, f"m{n}@example.com", "member")
        first = (await ada.client.get("/platform/members?limit=3")).json()
        rest = (
            await ada.client.get(f"/platform/members?limit=3&cursor={first['nextCursor']}")
        ).json()
        assert (first["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
        emails = [each["email"] for each in first["data"] + rest["data"]]
        assert emails == ["ada@example.com", *(f"m{n}@example.com" for n in range(3))]


async def test_audit_tells_who_did_what_newest_first_and_only_here(
    ada: Developer, grace: Developer
) -> None:
    made = await ada.project(name="engines")
    await grace.project(name="ships")
    first = (await ada.client.get("/platform/audit?limit=2")).json()
    rest = (await ada.client.get(f"/platform/audit?cursor={first['nextCursor']}")).json()
    entries = first["data"] + rest["data"]
    assert [each["action"] for each in entries] == [
        "key.create",
        "key.create",
        "project.create",
        "member.create",
        "platform.create",
    ]
    me = (await ada.client.get("/platform")).json()["developer"]["id"]
    assert [each["actor"] for each in entries] == [me, me, me, "sign-up", "sign-up"]
    assert entries[2]["object"] == made["project"]["id"] == entries[0]["projectId"]
    assert made["secretKey"] not in str(entries)


@pytest.mark.parametrize("cursor", ["eA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
async def test_422_a_cursor_that_was_made_up(ada: Developer, cursor: str) -> None:
    answer = await ada.client.get(f"/platform/audit?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


class TestOperator:
    async def test_a_suspended_platforms_developers_may_only_look(
        self, ada: Developer, operator: httpx.AsyncClient
    ) -> None:
        platform = await platform_of(ada)
        path = f"/operator/platforms/{platform}"
        assert (await operator.post(f"{path}/suspend")).json()["suspended"] is True
        assert (await ada.client.get("/platform")).json()["platform"]["suspended"] is True
        refused = await ada.client.post("/platform/projects", json={"name": "a"})
        assert (refused.status_code, refused.json()["code"]) == (403, "platform_suspended")
        assert (await operator.post(f"{path}/resume")).json()["suspended"] is False
        await ada.project()

    async def test_they_are_listed_in_pages(
        self, ada: Developer, grace: Developer, operator: httpx.AsyncClient
    ) -> None:
        ids = {await platform_of(ada), await platform_of(grace)}
        first = (await operator.get("/operator/platforms?limit=1")).json()
        rest = (await operator.get(f"/operator/platforms?cursor={first['nextCursor']}")).json()
        assert {each["id"] for each in first["data"] + rest["data"]} == ids
        assert len(first["data"] + rest["data"]) == 2

    async def test_it_may_what_an_owner_may_and_names_the_platform(
        self, ada: Developer, operator: httpx.AsyncClient
    ) -> None:
        there = {"x-platform-id": await platform_of(ada)}
        body = {"name": "made by the operator"}
        made = await operator.post("/platform/projects", json=body, headers=there)
        assert made.status_code == 201
        assert (await operator.get("/platform")).status_code == 422
        nowhere = await operator.get("/platform", headers={"x-platform-id": "plt_none"})
        assert nowhere.status_code == 404
        (project,) = (await ada.client.get("/platform/projects")).json()["data"]
        assert project["id"] == made.json()["project"]["id"]

    async def test_404(self, operator: httpx.AsyncClient) -> None:
        assert (await operator.post("/operator/platforms/plt_none/suspend")).status_code == 404
