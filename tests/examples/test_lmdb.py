"""The example backend in an environment of its own: found, proved by the kit, and served from."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.examples.conftest import Environment

pytestmark = pytest.mark.long

EXAMPLE = Path(__file__).parents[2] / "examples" / "dream-gateway-lmdb"
PUBLIC = {"model", "errors", "clock", "storage", "hookspecs", "bookkeeping"}
"""The modules of the gateway that are for authors of backends; `testing` too, in tests."""


@pytest.fixture(scope="module")
def example(environment: Environment) -> Environment:
    environment.install(EXAMPLE, "[test]")
    return environment


def imported(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module == "dream_gateway":
                yield from (f"dream_gateway.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""


@pytest.mark.parametrize(("folder", "more"), [("src", set()), ("tests", {"testing"})])
def test_it_sees_of_the_gateway_only_what_is_public(folder: str, more: set[str]) -> None:
    names = [name.split(".") for name in imported(EXAMPLE / folder)]
    seen = {name[1] for name in names if name[0] == "dream_gateway"}
    assert seen
    assert seen <= PUBLIC | more


def test_plugins_list_shows_it_by_its_entry_point(example: Environment, tmp_path: Path) -> None:
    out = example.run("dream-gateway", "plugins", "list", "--json", cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(out)["data"]}
    assert rows["lmdb"] == {
        "kind": "backend", "name": "lmdb", "package": "dream-gateway-lmdb", "version": "0.1.0",
        "used": False, "hooks": [], "fault": "",
    }  # fmt: skip


def test_the_kit_is_green_by_the_command_of_its_readme(
    example: Environment, tmp_path: Path
) -> None:
    commands = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    install, run = commands[-1].splitlines()
    assert install == "pip install '.[test]'"
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    program, *arguments = run.split()
    # Whatever else of pytest's is installed here is not there for a stranger.
    others = [f"-p no:{name}" for name in ("benchmark", "timeout", "xdist", "anyio")]
    out = example.run(
        "python", "-m", program, "-p", "no:cacheprovider", *" ".join(others).split(), *arguments,
        cwd=tmp_path,
    )  # fmt: skip
    passed = re.search(r"(\d+) passed", out)
    assert passed
    assert int(passed[1]) > 75


def test_a_ledger_can_be_kept_in_it(example: Environment, tmp_path: Path) -> None:
    """Beside records in SQLite, through the commands."""
    urls = ("--store", "sqlite:///records.db", "--ledger", "lmdb:///usage.mdb")
    made = json.loads(
        example.run(
            "dream-gateway", "platform", "create", "--name", "Acme", "--tier", "free=5/month",
            "--json", *urls, cwd=tmp_path,
        )
    )  # fmt: skip
    who = ("--project", made["projectId"])
    create = ("customer", "create", *who, "--id", "ada", *urls)
    example.run("dream-gateway", *create, cwd=tmp_path)
    show = ("usage", "show", *who, "--customer", "ada", "--json", *urls)
    assert json.loads(example.run("dream-gateway", *show, cwd=tmp_path))["remaining"] == 5
    assert "usage.mdb" in os.listdir(tmp_path)
