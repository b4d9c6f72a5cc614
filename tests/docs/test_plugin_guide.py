"""The plugin of the guide is installed as it stands there, and priced, observed and run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from dream_gateway.errors import ConfigurationError
from dream_gateway.hookspecs import HookSpecs
from dream_gateway.plugins import Plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "writing-a-plugin.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    text = GUIDE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    points = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0].replace(
        "project.entry-points.", ""
    )
    (tmp_path / "your_module.py").write_text(code)
    info = tmp_path / "yours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: yours\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points.replace('"', ""))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("your_module", None)


@pytest.mark.usefixtures("installed")
def test_the_guides_plugin_prices_observes_and_adds_a_command() -> None:
    plugins = Plugins({"by-size": {"unit_bytes": 100}})
    (pricer,) = plugins.request_costs()
    large = [(b"Content-Length", b"250")]
    assert pricer.cost(method="POST", path="/", headers=large) == 3
    assert pricer.cost(method="GET", path="/", headers=large) is None
    (observer,) = plugins.verdict_observers()
    for code in ("allowed", "rate_limited"):
        observer.observe(project="p", customer="c", code=code, cost=1)
    assert observer.count == 1  # type: ignore[attr-defined]  # the guide's own
    (command,) = plugins.commands()
    assert "one unit" in CliRunner().invoke(command).output


@pytest.mark.usefixtures("installed")
def test_the_guides_plugin_refuses_settings_that_are_wrong() -> None:
    with pytest.raises(ConfigurationError, match="unit_bytes"):
        Plugins({"by-size": {"unit_bytes": 0}}).request_costs()


def test_the_guide_names_every_hook() -> None:
    hooks = {name for name in vars(HookSpecs) if not name.startswith("_")}
    named = set(re.findall(r"^\| `(\w+)\(", GUIDE.read_text(), re.MULTILINE))
    assert named == hooks
