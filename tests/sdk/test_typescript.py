"""The JavaScript SDK's types and methods are those of this gateway."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from codegen.document import document
from codegen.routes import ROUTES
from codegen.typescript import GENERATED, PUBLISHED, SDK, DriftError, files, generate


def test_what_is_checked_in_is_up_to_date() -> None:
    for path, text in files().items():
        assert path.read_text() == text, "scripts/sdk writes it anew"


def test_the_readme_names_every_method() -> None:
    text = (SDK / "README.md").read_text()
    rows = [re.findall(r"[\w.]+", line) for line in text.splitlines() if line.startswith("| ")]
    for name in json.loads(PUBLISHED.read_text())["routes"]:
        group, _, method = name.rpartition(".")
        told = next(row for row in rows if (group or method) in row)
        if "types" not in told:  # whose methods are left to the editor
            assert {method, name} & set(told), name


@pytest.mark.parametrize("change", [{"path": "/api/nothing"}, {"method": "PATCH"}])
def test_a_method_without_a_route_is_refused(change: dict[str, str]) -> None:
    first, *rest = ROUTES
    with pytest.raises(DriftError):
        generate(document(), [replace(first, **change), *rest])  # type: ignore[arg-type] # both are text


def test_a_type_that_changes_changes_the_text() -> None:
    described = document()
    described["components"]["schemas"]["UsageView"]["properties"]["usageCount"] = {"type": "string"}
    assert generate(described) != GENERATED.read_text()
