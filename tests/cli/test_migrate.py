"""`dream-gateway migrate`: what it would do, and that it does it once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.records.migrate import HEAD, KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.usefixtures("no_store")
def test_a_plan_changes_nothing_and_a_migration_leaves_nothing_to_do(
    done: Callable[..., Any], store: str
) -> None:
    Path(store.removeprefix("sqlite:///")).touch()
    for _ in range(2):
        plan = done("migrate", "--plan")
        assert (plan["found"], plan["applied"]) == (None, False)
        assert [step["revision"] for step in plan["steps"]] == list(KNOWN)
    assert [done("migrate")["applied"] for _ in range(2)] == [True, False]
    assert done("migrate", "--plan") == {
        "found": HEAD,
        "newest": HEAD,
        "isNewer": False,
        "steps": [],
        "applied": False,
    }


def test_a_newer_schema_that_lets_this_version_run_is_told(
    done: Callable[..., Any], run: Callable[..., Any], store: str
) -> None:
    file = store.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    plan = done("migrate", "--plan")
    assert (plan["found"], plan["isNewer"], plan["applied"]) == ("9999", True, False)
    assert "newer version" in run("migrate", "--plan").err
