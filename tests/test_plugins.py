"""Backends by URL scheme and plugins by name, from distributions made up for the purpose."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, MissingExtraError
from dream_gateway.plugins import Plugins, installed, open_backend
from dream_gateway.settings_table import secrets, table
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[[str, str, str], None]

COUNTING = """
from dream_gateway.hookspecs import hookimpl


class Observer:
    def __init__(self, settings):
        self.settings = settings


class Plugin:
    @hookimpl
    def verdict_observers(self, settings):
        return [Observer(settings)]
"""

SILENT = """
from dream_gateway.hookspecs import hookimpl


@hookimpl
def verdict_observers(settings):
    return None


@hookimpl
def commands():
    import click

    return [click.Command("hello")]
"""

DECLARING = """
from typing import Annotated

import msgspec

from dream_gateway.hookspecs import hookimpl


class Settings(msgspec.Struct, rename="kebab"):
    unit_bytes: Annotated[int, msgspec.Meta(ge=1, description="Bytes.")]
    token: Annotated[str, msgspec.Meta(extra={"secret": True})] | None = None
    least: int = 1

    def __post_init__(self):
        if self.least > self.unit_bytes:
            raise ValueError("least is more than unit-bytes")


class Plugin:
    @hookimpl
    def settings_type(self):
        return Settings

    @hookimpl
    def verdict_observers(self, settings):
        return [settings]
"""

MISFIT = """
from dream_gateway.hookspecs import hookimpl


@hookimpl
def verdict_observers(settings, weather):
    return []
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with one module."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_one(module: str, source: str, entry_points: str) -> None:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)

    return install_one


def test_a_backend_is_found_by_its_scheme() -> None:
    backend = open_backend("memory://", SystemClock())
    assert not backend.shareable
    assert Role.LEDGER in backend.roles


@pytest.mark.parametrize("url", ["nosuch://x", "nosuch", ""])
def test_an_unknown_scheme_is_refused_with_those_that_are_installed(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"memory, .*sqlite"):
        open_backend(url, SystemClock())


def test_opening_a_backend_imports_no_other(install: Install) -> None:
    install("dg_broken", "raise RuntimeError", "[dream_gateway.backends]\nbroken = dg_broken:b\n")
    assert "broken" in installed("dream_gateway.backends")
    open_backend("memory://", SystemClock())
    assert "dg_broken" not in sys.modules


def test_a_driver_that_is_not_installed_is_named_with_the_command_that_installs_it(
    install: Install,
) -> None:
    points = "[dream_gateway.backends]\nelephant = dg_elephant:open_backend [elephant]\n"
    install("dg_elephant", "import no_such_driver", points)
    with pytest.raises(MissingExtraError, match=r"pip install 'dg_elephant\[elephant\]'") as caught:
        open_backend("elephant://db", SystemClock())
    assert "no_such_driver" in caught.value.detail


@pytest.mark.parametrize("source", ["import no_such_driver", "", "from sys import nothing"])
def test_a_backend_that_cannot_be_imported_is_a_configuration_error(
    install: Install, source: str
) -> None:
    install("dg_bad", source, "[dream_gateway.backends]\nbad = dg_bad:open_backend\n")
    with pytest.raises(ConfigurationError, match="'bad'"):
        open_backend("bad://db", SystemClock())


def test_each_plugin_gets_its_own_settings_in_the_configured_order(install: Install) -> None:
    install("dg_counting", COUNTING, "[dream_gateway.plugins]\ncounting = dg_counting:Plugin\n")
    install("dg_again", COUNTING, "[dream_gateway.plugins]\nagain = dg_again:Plugin\n")
    install("dg_silent", SILENT, "[dream_gateway.plugins]\nsilent = dg_silent\n")
    plugins = Plugins({"counting": {"n": 1}, "silent": {}, "again": {"n": 2}})
    settings = [observer.settings for observer in plugins.verdict_observers()]  # type: ignore[attr-defined]  # ours
    assert settings == [{"n": 1}, {"n": 2}]
    assert plugins.request_costs() == ()
    assert plugins.identities() == ()
    assert [command.name for command in plugins.commands()] == ["hello"]


def test_two_gateways_share_no_plugins(install: Install) -> None:
    install("dg_alone", COUNTING, "[dream_gateway.plugins]\nalone = dg_alone:Plugin\n")
    assert len(Plugins({"alone": {}}).verdict_observers()) == 1
    assert Plugins({}).verdict_observers() == ()


def test_a_plugin_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no plugin named 'nosuch'"):
        Plugins({"nosuch": {}})


def test_a_plugin_that_does_not_fit_the_hooks_is_refused(install: Install) -> None:
    install("dg_misfit", MISFIT, "[dream_gateway.plugins]\nmisfit = dg_misfit\n")
    with pytest.raises(ConfigurationError, match="'misfit' does not fit"):
        Plugins({"misfit": {}})


def test_a_plugin_gets_its_settings_as_it_declares_them(install: Install) -> None:
    install("dg_typed", DECLARING, "[dream_gateway.plugins]\ntyped = dg_typed:Plugin\n")
    install("dg_bare", COUNTING, "[dream_gateway.plugins]\nbare = dg_bare:Plugin\n")
    plugins = Plugins({"bare": {"n": 1}, "typed": {"unit-bytes": 3}})
    bare, typed = plugins.verdict_observers()
    assert bare.settings == {"n": 1}  # type: ignore[attr-defined]  # ours
    assert (typed.unit_bytes, typed.least) == (3, 1)  # type: ignore[attr-defined]  # ours
    assert plugins.settings("typed") is typed
    assert plugins.settings_type("bare") is None
    declared = plugins.settings_type("typed")
    assert declared is not None
    assert secrets(declared) == {"token"}
    assert [(row.name, row.type, row.default, row.help) for row in table(declared)] == [
        ("unit-bytes", "whole number", None, "Bytes."),
        ("token", "text", None, ""),
        ("least", "whole number", 1, ""),
    ]


@pytest.mark.parametrize(
    ("configured", "faults"),
    [
        ({}, ["plugins.typed2.unit-bytes: must be set"]),
        (
            {"unit-bytes": "3", "least": None, "more": 1},
            [
                "plugins.typed2.more: no such setting",
                "plugins.typed2.unit-bytes: Expected `int`, got `str`",
                "plugins.typed2.least: Expected `int`, got `null`",
            ],
        ),
        ({"unit-bytes": 1, "least": 2}, ["plugins.typed2: least is more than unit-bytes"]),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_every_fault(
    install: Install, configured: dict[str, object], faults: list[str]
) -> None:
    install("dg_typed2", DECLARING, "[dream_gateway.plugins]\ntyped2 = dg_typed2:Plugin\n")
    with pytest.raises(ConfigurationError) as caught:
        Plugins({"typed2": configured})
    assert caught.value.extra == {"errors": faults}


def test_what_a_plugin_declares_must_be_a_struct(install: Install) -> None:
    source = DECLARING.replace("return Settings", "return dict")
    install("dg_typed3", source, "[dream_gateway.plugins]\ntyped3 = dg_typed3:Plugin\n")
    with pytest.raises(ConfigurationError, match="'typed3' does not fit"):
        Plugins({"typed3": {}})
