"""What `dream-gateway plugins list` tells of what is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dream_gateway.cli.root import _run

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = {
    "dg_fine": """
from dream_gateway.hookspecs import hookimpl


@hookimpl
def request_costs(settings):
    return []


@hookimpl
def commands():
    return []
""",
    "dg_odd": """
from dream_gateway.hookspecs import hookimpl


@hookimpl
def request_costs(weather):
    return []
""",
    "dg_strict": """
import msgspec

from dream_gateway.hookspecs import hookimpl


class Settings(msgspec.Struct):
    units: int


@hookimpl
def settings_type():
    return Settings
""",
    "dg_broken": "raise RuntimeError",
    "dg_lacking": "import no_such_driver",
}
POINTS = """
[dream_gateway.plugins]
fine = dg_fine
odd = dg_odd
strict = dg_strict
broken = dg_broken
lacking = dg_lacking [extra]
"""


@pytest.fixture
def rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, dict[str, object]]]:
    """Return what lists everything installed, a distribution of our own among it, by name."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in SOURCES.items():
        Path(tmp_path, f"{name}.py").write_text(source)
    info = tmp_path / "dg_four-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dg-four\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(POINTS)

    def run(*words: str) -> dict[str, dict[str, object]]:
        assert _run(["plugins", "list", "--json", *words]) == 0
        return {row["name"]: row for row in json.loads(capsys.readouterr().out)["data"]}

    return run


def test_backends_and_plugins_are_listed_with_what_they_do(
    rows: Callable[..., dict[str, dict[str, object]]],
) -> None:
    found = rows()
    assert found["sqlite"] == {
        "kind": "backend", "name": "sqlite", "package": "dream-gateway", "version": "0.1.0",
        "used": True, "hooks": [], "fault": "",
    }  # fmt: skip
    assert found["memory"]["used"] is False
    assert found["fine"] == {
        "kind": "plugin", "name": "fine", "package": "dg-four", "version": "2.1",
        "used": False, "hooks": ["commands", "request_costs"], "fault": "",
    }  # fmt: skip


def test_what_cannot_be_used_says_why_and_stops_nobody(
    rows: Callable[..., dict[str, dict[str, object]]],
) -> None:
    found = rows("--store", "memory://")
    assert found["memory"]["used"] is True
    assert "does not fit" in str(found["odd"]["fault"])
    assert "RuntimeError" in str(found["broken"]["fault"])
    assert "pip install 'dg-four[extra]'" in str(found["lacking"]["fault"])


def test_settings_that_are_wrong_are_told_beside_the_hooks(
    rows: Callable[..., dict[str, dict[str, object]]], tmp_path: Path
) -> None:
    assert rows()["strict"]["fault"] == ""
    file = tmp_path / "gateway.toml"
    file.write_text("[plugins.strict]\nunits = 'many'\n")
    row = rows("--config", str(file))["strict"]
    assert (row["used"], row["hooks"]) == (True, ["settings_type"])
    assert row["fault"] == "plugins.strict.units: Expected `int`, got `str`"
