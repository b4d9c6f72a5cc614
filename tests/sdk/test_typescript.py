"""The JavaScript SDK's types and methods are those of this gateway."""

from __future__ import annotations

import json

import pytest
from tests.sdk.typescript import GENERATED, TABLE, DriftError, document, generate, text


def test_what_is_checked_in_is_up_to_date() -> None:
    assert GENERATED.read_text() == text(), "scripts/sdk writes it anew"


def test_every_route_has_a_method_or_a_reason_to_have_none() -> None:
    table = json.loads(TABLE.read_text())
    there = {f"{m.upper()} {path}" for path, ms in document()["paths"].items() for m in ms}
    named = {f"{route['method']} {route['path']}" for route in table["routes"].values()}
    assert there - named - set(table["leftOut"]) == set()
    assert named.isdisjoint(table["leftOut"])


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
