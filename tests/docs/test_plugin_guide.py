"""The plugin of the guide is installed as it stands there, and priced, observed and run."""

from __future__ import annotations

import hmac
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from dream_gateway.errors import ConfigurationError, InvalidCredentialError
from dream_gateway.hookspecs import HookSpecs, Identified
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
async def test_the_guides_plugin_prices_observes_knows_users_and_adds_a_command(
    tmp_path: Path,
) -> None:
    refusals = tmp_path / "refusals"
    table = {"secret": "long enough", "unit_bytes": 100, "refusals": str(refusals)}
    plugins = Plugins({"by-size": table})
    (pricer,) = plugins.request_costs()
    large = [(b"Content-Length", b"250")]
    assert pricer.cost(method="POST", path="/", headers=large) == 3
    assert pricer.cost(method="GET", path="/", headers=large) is None
    (observer,) = plugins.verdict_observers()
    for code in ("allowed", "rate_limited"):
        observer.observe(project="p", customer="c", code=code, cost=1)
    assert refusals.read_text() == "c rate_limited\n"
    (identity,) = plugins.identities()
    assert await identity.verify("another.kind") is None
    signature = hmac.digest(b"long enough", b"pk_test_1.ada", "sha256").hex()
    known = await identity.verify(f"user.pk_test_1.ada.{signature}")
    assert known == Identified("by-size", "ada", tenant="pk_test_1")
    for bad in ("00", "\u00ff", "", signature[:-1]):
        with pytest.raises(InvalidCredentialError):
            await identity.verify(f"user.pk_test_1.ada.{bad}")
    (command,) = plugins.commands()
    assert "one unit, and one more for each 100 bytes" in CliRunner().invoke(command).output


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({}, "plugins.by-size.secret: must be set"),
        ({"secret": "long enough", "unit_bytes": 0}, "plugins.by-size.unit_bytes: Expected"),
        ({"secret": "long enough", "unit": 1}, "plugins.by-size.unit: no such setting"),
    ],
)
def test_the_guides_plugin_refuses_settings_that_are_wrong(
    table: dict[str, object], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        Plugins({"by-size": table})


def test_the_guide_names_every_hook() -> None:
    hooks = {name for name in vars(HookSpecs) if not name.startswith("_")}
    named = set(re.findall(r"^\| `(\w+)\(", GUIDE.read_text(), re.MULTILINE))
    assert named == hooks
