"""Every page of the dashboard, as everybody: who is let in, and what a forged form changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import select
from tests.dashboard.test_operator import operator

from dream_gateway.dashboard.access import Visitor, allows, markdown
from dream_gateway.dashboard.entrance import Entrance
from dream_gateway.dashboard.page import PageTable, Who
from dream_gateway.dashboard.table import every_page
from dream_gateway.model import Role
from dream_gateway.records import developers
from dream_gateway.records.schema import metadata

if TYPE_CHECKING:
    from tests.dashboard.conftest import Board
    from tests.local.conftest import Browser

    from dream_gateway.dashboard.page import Page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"
NOTED = frozenset({"dashboard_sessions", "worker_reports"})
"""Tables that change by themselves."""


def pages() -> list[Page]:
    nothing = cast("Any", None)
    entrance = Entrance(nothing, nothing, nothing, ())
    return PageTable([*entrance.pages(), *every_page(nothing)]).pages


def test_the_page_has_the_table() -> None:
    assert PAGE.read_text().endswith(markdown(pages()))


@pytest.fixture
async def visitors(board: Board) -> tuple[dict[Visitor, Browser], str]:
    """Everybody, and the id of a project that the developers have parts in."""
    ada = await board.developer()
    project = await board.project(ada)
    found = {
        Visitor.NOBODY: board.browser(),
        Visitor.OWNER: ada,
        Visitor.OPERATOR: await operator(board),
    }
    platform = await board.platform_of(project)
    for visitor, role in ((Visitor.MEMBER, Role.MEMBER), (Visitor.ADMIN, Role.ADMIN)):
        email = f"{role}@example.com"
        async with board.gateway.records.write("test") as writer:
            await developers.invite(writer, platform, email, role)
        found[visitor] = await board.developer(email)
    return found, project


async def records(board: Board) -> dict[str, Any]:
    async with board.gateway.records.read() as connection:
        return {
            table.name: (await connection.execute(select(table))).all()
            for table in metadata.sorted_tables
            if table.name not in NOTED
        }


async def test_every_cell_of_the_table_is_so_and_forged_forms_change_nothing(
    board: Board, visitors: tuple[dict[Visitor, Browser], str]
) -> None:
    found, project = visitors
    before, wrong = await records(board), []
    own = {"origin": board.world.url}
    for page in pages():
        path = page.path.format_map(_Names(project=project))
        for visitor, browser in found.items():
            answer = await browser.client.request(
                page.method,
                path,
                headers=own,
                data={"name": "x"} if page.method == "POST" else None,
            )
            entrance = answer.headers.get("location", "").split("?")[0].endswith("/sign-in")
            refused = answer.status_code == 303 and entrance and page.who is not Who.ANYBODY
            refused |= answer.status_code == 403 and "needs the role" in answer.text
            if refused is allows(page, visitor):
                wrong.append((page.method, page.path, visitor, answer.status_code))
            if page.method == "POST" and not refused:
                assert (answer.status_code, "too old" in answer.text) == (403, True), page
    assert wrong == []
    assert await records(board) == before


class _Names(dict[str, str]):
    """The parameters of paths: of what is not named, one that is nobody's."""

    def __missing__(self, name: str) -> str:
        return "suspend" if name == "act" else "none"
