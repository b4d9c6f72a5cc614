"""Calls made again: what is lost on the way to and from the real service, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.conftest import NO_TLS

from dream_gateway.client import (
    AsyncDreamAPI,
    BadAnswerError,
    ConnectionFailedError,
    DreamAPI,
    RateLimitedError,
    Retries,
    ServerError,
    TimedOutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.client.conftest import Project

    Fault = Exception | httpx.Response | None


class Faulty(httpx.AsyncBaseTransport):
    """The way to the service, on which things get lost: one fault of each attempt, then none.

    An error that is raised after the service was asked is an answer that was lost.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._way = httpx.AsyncHTTPTransport(verify=NO_TLS)
        self._faults = list(faults)
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        fault = self._faults.pop(0) if self._faults else None
        if isinstance(fault, httpx.ConnectError):
            raise fault
        answer = await self._way.handle_async_request(request)
        if isinstance(fault, Exception):
            raise fault
        return fault or answer


LOST = httpx.ReadTimeout("lost")
UNREACHABLE = httpx.ConnectError("refused")


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"code": code, "detail": "so"}, headers=fields)


async def test_an_answer_that_is_lost_charges_once(project: Project) -> None:
    way = Faulty([LOST, httpx.ReadError("reset")])
    async with project.client(transport=way) as api:
        tracked = await api.usage.track(user_id="u-1", cost=3)
        assert (tracked["duplicate"], tracked["usage"]["usageCount"]) == (True, 3)
        assert len({each.headers["idempotency-key"] for each in way.sent}) == 1
        assert project.slept == [0.25, 0.5]
        assert (await api.usage.track(user_id="u-1"))["usage"]["usageCount"] == 4
        assert len({each.headers["idempotency-key"] for each in way.sent[2:]}) == 2


async def test_a_customer_whose_answer_is_lost_is_made_once(project: Project) -> None:
    way = Faulty([LOST])
    async with project.client(transport=way) as api:
        made = await api.customers.create(email="ada@example.com")
        assert (await api.customers.list())["data"] == [made["customer"]]


async def test_a_delete_whose_answer_is_lost_is_done(project: Project) -> None:
    async with project.client() as api:
        ada = (await api.customers.create(email="ada@example.com"))["customer"]["id"]
    way = Faulty([LOST])
    async with project.client(transport=way) as api:
        await api.customers.delete(ada)
        assert (await api.customers.list())["data"] == []
    assert len(way.sent) == 3


async def test_a_key_is_not_charged_again_when_its_answer_is_lost(project: Project) -> None:
    async with project.client() as api:
        ada = await api.customers.create(email="ada@example.com", external_id="ada")
        key = (await api.keys.create(ada["customer"]["id"]))["key"] or ""
    way = Faulty([UNREACHABLE, LOST])
    async with project.client(transport=way) as api:
        with pytest.raises(TimedOutError):
            await api.verify(key=key, cost=2)
        assert len(way.sent) == 2
        assert (await api.usage.check(user_id="ada"))["usageCount"] == 2


async def test_a_change_of_one_version_is_not_made_again(project: Project) -> None:
    async with project.client() as api:
        ada = (await api.customers.create(email="ada@example.com"))["customer"]["id"]
    way = Faulty([LOST])
    async with project.client(transport=way) as api:
        with pytest.raises(TimedOutError):
            await api.customers.update(ada, last_name="L", if_match="*")
    assert len(way.sent) == 1


@pytest.mark.parametrize(
    "fault",
    [
        problem(503, "overloaded", retry_after="2"),
        problem(429, "rate_limited", retry_after="2"),
        problem(409, "conflict", retry_after="2"),
        problem(502, "http_502", retry_after="2"),
    ],
    ids=lambda each: str(each.status_code),
)
async def test_what_passes_is_waited_for(project: Project, fault: httpx.Response) -> None:
    way = Faulty([fault])
    async with project.client(transport=way) as api:
        assert (await api.usage.track(user_id="u-1"))["usage"]["usageCount"] == 1
    assert project.slept == [2.25]


async def test_what_takes_too_long_is_the_callers(project: Project) -> None:
    way = Faulty([problem(503, "store_unavailable", retry_after="60")])
    async with project.client(transport=way) as api:
        with pytest.raises(ServerError) as refused:
            await api.usage.check(user_id="u-1")
    assert (refused.value.retry_after, project.slept) == (60.0, [])


async def test_a_date_to_wait_for(project: Project) -> None:
    date = "Fri, 15 Jan 2027 08:00:03 GMT"
    way = Faulty([problem(503, "overloaded", retry_after=date)])
    async with project.client(transport=way, now=lambda: 1_800_000_000.0) as api:
        await api.usage.check(user_id="u-1")
    assert project.slept == [3.25]


async def test_it_ends_with_the_last_error(project: Project) -> None:
    way = Faulty([UNREACHABLE] * 10)
    async with project.client(transport=way, retries=Retries(count=2)) as api:
        with pytest.raises(ConnectionFailedError) as failed:
            await api.usage.track(user_id="u-1")
    assert (failed.value.status, failed.value.code) == (0, "connection_failed")
    assert len(way.sent) == 3


async def test_without_retries_no_key_is_made(project: Project) -> None:
    way = Faulty([])
    async with project.client(transport=way, retries=Retries(count=0)) as api:
        assert "eventId" not in await api.usage.track(user_id="u-1")
    assert "idempotency-key" not in way.sent[0].headers


async def test_something_else_at_the_address(project: Project) -> None:
    page = httpx.Response(200, text="<html>")
    async with project.client(transport=Faulty([page])) as api:
        with pytest.raises(BadAnswerError):
            await api.usage.check(user_id="u-1")
    refusal = httpx.Response(418, text="teapot")
    async with project.client(transport=Faulty([refusal])) as api:
        with pytest.raises(Exception, match="418 http_418"):
            await api.usage.check(user_id="u-1")


async def test_a_rate_of_the_services_own_is_waited_for(project: Project) -> None:
    async with project.client(retries=Retries(count=0)) as api:
        for _ in range(2):
            await api.usage.track(user_id="u-1", plan="slow")
        with pytest.raises(RateLimitedError) as refused:
            await api.usage.track(user_id="u-1", plan="slow")
    assert refused.value.retry_after is not None
    assert refused.value.problem["policy"]


@given(
    st.integers(1, 20),
    st.none() | st.floats(0, 100),
    st.floats(0, 1),
    st.builds(Retries, st.integers(0, 10), st.floats(0.01, 5), st.floats(5, 50)),
)
def test_no_wait_is_longer_than_asked_and_the_longest(
    made: int, asked: float | None, chance: float, retries: Retries
) -> None:
    wait = retries.wait(made, asked, chance)
    if made > retries.count or (asked or 0) > retries.longest:
        assert wait is None
    else:
        assert wait is not None
        assert (asked or 0) <= wait <= (asked or 0) + retries.longest


def test_who_has_no_key_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="secret_key"):
        DreamAPI(base_url="http://127.0.0.1:1")


@pytest.mark.parametrize("client", [DreamAPI, AsyncDreamAPI])
def test_a_key_is_not_taken_for_one_of_another_kind(
    client: type[DreamAPI] | type[AsyncDreamAPI],
) -> None:
    for key in ("sk_test_x", "ak_test_x", "", "x"):
        with pytest.raises(ValueError, match="publishable_key begins with pk_"):
            client(base_url="http://127.0.0.1:1", publishable_key=key)
    for key in ("pk_test_x", "ak_test_x", "", "x"):
        with pytest.raises(ValueError, match="secret_key begins with sk_") as told:
            client(base_url="http://127.0.0.1:1", secret_key=key)
        assert not key or key not in str(told.value)
    page = client(base_url="http://127.0.0.1:1", publishable_key="pk_test_x")
    with pytest.raises(ValueError, match="A secret key is no user's token"):
        page.set_user_token("sk_test_x")
