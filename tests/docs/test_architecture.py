"""Every module has its floor, in the description and in what import-linter holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERLESS = {"testing"}
"""What no layer has, since it is shipped for tests."""


def modules() -> set[str]:
    package = ROOT / "gateway" / "dream_gateway"
    folders = {each.parent.name for each in package.glob("*/__init__.py")}
    return folders | {each.stem for each in package.glob("[!_]*.py")}


def test_every_module_has_a_floor() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.partition("## Floors")[2].partition("Backends (")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(modules())


def test_every_module_is_in_the_layers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["type"] == "layers"]
    named = [name.strip() for layer in layers for name in re.split(r"[|:]", layer)]
    assert sorted(named) == sorted(f"dream_gateway.{name}" for name in modules() - LAYERLESS)
