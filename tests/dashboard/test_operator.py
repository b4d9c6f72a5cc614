"""`/operator`: what runs here, and platforms suspended and resumed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.dashboard.conftest import OPERATOR, listened

from dream_gateway.records import reports

if TYPE_CHECKING:
    from tests.dashboard.conftest import Board
    from tests.local.conftest import Browser


async def operator(board: Board) -> Browser:
    browser = board.browser()
    await browser.open("/operator/sign-in")
    await browser.send({"operator-token": OPERATOR})
    return browser


async def test_a_platform_is_suspended_and_resumed_and_its_keys_with_it(board: Board) -> None:
    browser = await operator(board)
    ask = {"authorization": f"Bearer {board.world.secret_key}", "x-user-id": "u"}
    await board.walk(browser, "/operator")
    for act, status in (("suspend", 403), ("resume", 200)):
        answer = await browser.send({}, form=1)
        assert answer.headers["location"].startswith("/operator?done="), act
        assert (await browser.client.get("/api/usage", headers=ask)).status_code == status
        await board.walk(browser, "/operator")
    actions = await board.gateway_audit()
    assert actions[:2] == ["platform.resume", "platform.suspend"]


async def test_the_page_takes_as_many_queries_for_many_platforms_as_for_one(board: Board) -> None:
    browser = await operator(board)
    counts = []
    for more in (0, 5):
        for number in range(more):
            await board.developer(f"user{number}@example.com")
        said = listened(board)
        await board.walk(browser, "/operator")
        counts.append(len([each for each in said if each.startswith("SELECT")]))
        assert len(re.findall('<code class="soft">plt_', browser.shown)) == 1 + more
    assert counts[0] == counts[1] <= 10


async def test_workers_and_upstreams_tell_how_they_do(board: Board) -> None:
    upstream = {"url": "http://api.example.com", "sampled": 9, "errors": 2, "failures": 0}
    report = {
        "leases": 3,
        "leasedUnits": 1_234,
        "upstreams": [{**upstream, "ejected": False, "p50": 0.01, "p95": None}],
    }
    async with board.gateway.records.write("test") as writer:
        await reports.put(writer, "node/1/ab", report)
    browser = await operator(board)
    await board.walk(browser, "/operator")
    for text in ("node/1/ab", "1,234", "http://api.example.com", "10.0 ms", ">failing<"):
        assert text in browser.shown


async def test_no_developer_sees_it(board: Board) -> None:
    ada = await board.developer()
    answer = await ada.open("/operator")
    assert answer.headers["location"] == "/operator/sign-in"
