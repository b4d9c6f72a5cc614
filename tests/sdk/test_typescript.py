"""The JavaScript SDK's types and methods are those of this gateway."""

from __future__ import annotations

import json
import re

import pytest
from codegen.document import document
from codegen.typescript import GENERATED, SDK, TABLE, DriftError, generate, text


def test_what_is_checked_in_is_up_to_date() -> None:
    assert GENERATED.read_text() == text(), "scripts/sdk writes it anew"


def test_the_readme_names_every_method() -> None:
    text = (SDK / "README.md").read_text()
    rows = [re.findall(r"[\w.]+", line) for line in text.splitlines() if line.startswith("| ")]
    for name in json.loads(TABLE.read_text())["routes"]:
        group, _, method = name.rpartition(".")
        told = next(row for row in rows if (group or method) in row)
        if "types" not in told:  # whose methods are left to the editor
            assert {method, name} & set(told), name


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/api/nothing"},
        {"method": "PATCH"},
        {"auth": ["secret"]},
        {"fields": {"userId": "X-Nobody"}},
    ],
)
def test_a_table_that_says_something_else_is_refused(change: dict[str, object]) -> None:
    table = json.loads(TABLE.read_text())
    table["routes"]["usage.track"] |= change
    with pytest.raises(DriftError):
        generate(document(), table)


def test_a_type_that_changes_changes_the_text() -> None:
    described = document()
    described["components"]["schemas"]["UsageView"]["properties"]["usageCount"] = {"type": "string"}
    assert generate(described, json.loads(TABLE.read_text())) != GENERATED.read_text()
