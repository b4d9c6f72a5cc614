"""The command line as a whole: help, errors, settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from dream_gateway.cli.root import COMMANDS, root
from dream_gateway.settings_table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def _commands(group: click.Group, words: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


ALL = dict(_commands(root, "dream-gateway"))


def test_help_imports_no_command() -> None:
    program = (
        "import sys\nfrom dream_gateway.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(*sorted(m for m in sys.modules if m.startswith('dream_gateway.cli.')))\n"
        "assert not {'sqlalchemy', 'uvicorn', 'msgspec'} & set(sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)  # noqa: PLW1510 - the code is asserted
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "dream_gateway.cli.output dream_gateway.cli.root"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_is_the_one_it_is_listed_with(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.help
    assert command.name == name


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_has_the_shared_options_and_help_for_each(words: str) -> None:
    options = {option.name: option for option in ALL[words].params}
    assert {"as_json", "store", "config"} <= set(options)
    for option in options.values():
        if isinstance(option, click.Option):
            assert option.help, option.name


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_and_option_is_in_the_reference(words: str) -> None:
    text = REFERENCE.read_text()
    assert f"`{words}" in text
    for option in ALL[words].params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}" in text, option.opts


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_refuses_a_bad_setting_in_one_line(
    refused: Command, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("DREAM_GATEWAY_PORT", "http")
    arguments = words.split()[1:]
    for parameter in ALL[words].params:
        if parameter.required and isinstance(parameter, click.Option):
            arguments += [parameter.opts[0], "1"]
        elif parameter.required:
            arguments += ["x"]
    assert refused(*arguments).startswith("error: configuration_error: DREAM_GATEWAY_PORT: ")


@pytest.mark.parametrize("arguments", [("nosuch",), ("serve", "--nosuch"), ("key", "create")])
def test_misuse_is_one_line_and_exit_code_2(run: Command, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert result.err.startswith("error: usage: ")
    assert result.err.count("\n") == 1


def test_settings_tells_the_value_and_source_of_each(
    done: Command, store: str, tmp_path: Path
) -> None:
    (tmp_path / "gateway.toml").write_text("workers = 3\n")
    rows = {row["name"]: row for row in done("settings", "--config", "gateway.toml")["data"]}
    assert set(rows) == {row.name for row in table()}
    assert (rows["workers"]["value"], rows["workers"]["source"]) == (3, "gateway.toml")
    assert (rows["store"]["value"], rows["store"]["source"]) == (store, "DREAM_GATEWAY_STORE")
    assert (rows["port"]["value"], rows["port"]["source"]) == (8080, "default")


def test_the_configuration_file_may_be_named_in_the_environment(
    done: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gateway.toml").write_text("workers = 3\n")
    monkeypatch.setenv("DREAM_GATEWAY_CONFIG", str(tmp_path / "gateway.toml"))
    rows = {row["name"]: row for row in done("settings")["data"]}
    assert rows["workers"]["value"] == 3


def test_settings_for_people_has_a_line_for_each(run: Command) -> None:
    lines = run("settings").out.splitlines()
    assert len(lines) == len(table()) + 1
