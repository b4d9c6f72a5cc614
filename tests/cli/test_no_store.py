"""A `--store` that was mistyped: no command but those that begin one makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Any]

ARGUMENTS = (
    ("platform", "list"),
    ("platform", "suspend", "plt_1"),
    ("project", "list"),
    ("project", "promote", "prj_1"),
    ("customer", "list", "--project", "prj_1"),
    ("customer", "create", "--project", "prj_1", "--id", "ada"),
    ("key", "list", "--project", "prj_1", "--customer", "ada"),
    ("key", "revoke", "key_1"),
    ("tier", "list", "--project", "prj_1"),
    ("product", "list", "--project", "prj_1"),
    ("usage", "show", "--project", "prj_1", "--customer", "ada"),
    ("audit",),
    ("webhooks", "list"),
    ("secrets", "list"),
    ("export", "plt_1"),
    ("backup", "backup.db"),
    ("migrate", "--plan"),
)


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_a_store_that_is_not_there_is_not_made(
    refused: Command, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    typo = tmp_path / "typo.db"
    line = refused(*arguments, "--store", f"sqlite:///{typo}")
    assert line.startswith(f"error: store_not_found: There is no store at {typo}, ")
    assert "platform create" in line
    assert not list(tmp_path.glob("typo*"))
    assert not (tmp_path / "backup.db").exists()


def test_the_doctor_tells_of_it_and_makes_none(run: Command, tmp_path: Path) -> None:
    result = run("doctor", "--store", f"sqlite:///{tmp_path}/typo.db")
    assert result.code == 1
    assert f"There is no store at {tmp_path}/typo.db" in result.err
    assert not list(tmp_path.glob("typo*"))


@pytest.mark.usefixtures("no_store")
def test_a_platform_is_created_in_a_store_that_is_not_there(done: Command, store: str) -> None:
    done("platform", "create", "--name", "shop", "--tier", "free=10/month", "--store", store)
    assert len(done("platform", "list")["data"]) == 1
