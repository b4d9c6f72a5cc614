"""Secrets are compared in constant time, and nothing that is named like one in any other way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = [
    file
    for root in ("gateway", "backends", "plugins")
    for file in (Path(__file__).parents[2] / root).rglob("*.py")
]
SECRET = re.compile(
    r"(secret|token|password|signature|digest|checksum|code_verifier)s?$", re.IGNORECASE
)

NO_SECRETS = {
    # The checksum of a key is for anybody to compute.
    "keys.py": {"_checksum"},
}
"""Files, and what is named like a secret in them and is none."""


def named(node: ast.expr) -> str:
    """Return the name that an operand goes by."""
    if isinstance(node, ast.Call):
        return named(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_column(node: ast.expr) -> bool:
    """Tell whether an operand is a column, `table.c.name`: the database looks it up by its index."""
    inner = node.value if isinstance(node, ast.Attribute) else None
    return isinstance(inner, ast.Attribute) and inner.attr == "c"


def suspicious(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) or is_column(side) for side in sides):
            continue
        names = {named(side) for side in sides} - NO_SECRETS.get(file.name, set())
        found += [
            f"{file.name}:{node.lineno}: {n}" for n in names if SECRET.search(n) and not n.isupper()
        ]
    return found


def test_secrets_are_compared_in_constant_time() -> None:
    assert [line for file in SOURCE for line in suspicious(file)] == []


def test_a_plain_comparison_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("def f(given, token):\n    return given == token\n")
    assert suspicious(file) == ["bad.py:2: token"]
