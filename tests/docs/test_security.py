"""The threat model names a test in each row, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
THREATS = [
    line for line in PAGE.partition("## Threats")[2].partition("\n## ")[0].splitlines()[4:] if line
]


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_each_threat_has_tests_that_exist(row: str) -> None:
    _, threat, done, proof, _ = row.split("|")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proof)
    assert threat.strip()
    assert done.strip()
    assert named
    for file, name in named:
        assert name in functions_of(file), f"{file}::{name}"


def test_there_are_threats() -> None:
    assert len(THREATS) > 20
