"""`/dashboard/{project}`: numbers, charts, how long it takes, and how much comes over the wire."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, listened

from dream_gateway.demo.crowd import Crowd, populate

if TYPE_CHECKING:
    from tests.local.conftest import Browser

SMALL = Crowd(customers=60, days=40, events=10, orders=5)
MOST_BYTES = 100_000
MOST_QUERIES = 13


@pytest.fixture
async def crowded(anywhere: Board) -> tuple[Board, Browser, str]:
    ada = await anywhere.developer()
    project = await anywhere.project(ada)
    ledger = anywhere.gateway.stores.ledger()
    await populate(anywhere.gateway.records, ledger, project, SMALL)
    return anywhere, ada, project


async def test_the_overview_has_numbers_charts_and_tables_behind_them(
    crowded: tuple[Board, Browser, str],
) -> None:
    board, ada, project = crowded
    said = listened(board)
    for span in ("hour", "day", "month", "quarter", "year"):
        said.clear()
        answer = await ada.open(f"/dashboard/{project}?span={span}")
        assert answer.status_code == 200
        assert len(answer.content) < MOST_BYTES
        assert len([each for each in said if each.startswith("SELECT")]) <= MOST_QUERIES
        assert answer.text.count('<svg class="plot"') == 3
        assert 'style="' not in answer.text
    assert "user-000" in ada.shown
    rows = re.findall(r'<tr><th scope="row">(\w{3} \d{4})</th>', ada.shown)
    assert len(rows) == 3 * len(set(rows)) == 36


async def test_counters_come_as_events(crowded: tuple[Board, Browser, str]) -> None:
    _, ada, project = crowded
    answer = await ada.client.get(f"/dashboard/{project}/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    retry, data = answer.text.strip().split("\n")
    assert retry == "retry: 3000"
    assert set(json.loads(data.removeprefix("data: "))) == {
        "live-today",
        "live-denied",
        "live-minute",
    }


async def test_an_empty_project_says_what_to_do(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    await board.walk(ada, f"/dashboard/{project}")
    assert "Finish the first steps" in ada.shown
    assert "Nothing yet in this time" in ada.shown


async def test_the_steps_tick_themselves_and_come_as_a_part(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    path = f"/dashboard/{project}/start"
    await board.walk(ada, path)
    assert ada.shown.count('class="step done"') == 1
    await board.offer(project)
    part = await ada.client.get(path, headers={"x-part": "steps"})
    assert part.text.count('class="step done"') == 2
    assert part.text.strip().startswith("<ol")
    assert "<html" not in part.text
