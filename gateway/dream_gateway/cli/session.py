"""What every command shares: `--store`, `--config` and `--json`, and how answers are printed."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dream_gateway.cli.output import echo
from dream_gateway.configuration import FILE_VARIABLE, load_settings
from dream_gateway.settings import STORES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dream_gateway.configuration import Loaded
    from dream_gateway.settings import Settings

ROLES = {
    "records": "URL of another store for the records.",
    "ledger": "URL of another store for the usage counts.",
    "kv": "URL of a cache that nodes share.",
    "feed": "URL of another store that tells of changes.",
}


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command: its settings, and whether it answers in JSON."""

    loaded: Loaded
    as_json: bool
    read: Callable[[], Loaded]
    """Reads the settings again, from where they came. Raises `ConfigurationError`."""

    @property
    def settings(self) -> Settings:
        """The settings this command runs with."""
        return self.loaded.settings

    def show(self, answer: Mapping[str, object]) -> None:
        """Print one thing: a line of JSON, or a line per value."""
        if self.as_json:
            self.line(answer)
            return
        width = max((len(name) for name in answer), default=0)
        for name, value in answer.items():
            echo(f"{name:<{width}}  {_text(value)}")

    def show_list(self, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
        """Print a list: one line of JSON with all of it under `data`, or a table of the columns."""
        if self.as_json:
            self.line({"data": rows})
            return
        table = [list(columns), *([_text(row.get(name)) for name in columns] for row in rows)]
        widths = [max(len(line[at]) for line in table) for at in range(len(columns))]
        for line in table:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            echo("  ".join(cells).rstrip())

    def line(self, answer: object) -> None:
        """Print one line of JSON."""
        echo(msgspec.json.encode(answer).decode())


def with_session(*flags: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the shared options, and a `Session` in their place as its first argument.

    `flags` are the command's own options that set the setting of the same name.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(config: Path | None, as_json: bool, **options: Any) -> None:
            given = {name: options.pop(name) for name in (*STORES, *flags)}
            file = _file(config)

            def read() -> Loaded:
                return load_settings(file, os.environ, given)

            function(Session(read(), as_json, read), **options)

        for option in reversed(_shared_options()):
            run = option(run)
        return run

    return decorate


def check_value(option: str, value: object, hint: Any) -> None:
    """Raise `BadParameter` for what the HTTP API would not take either."""
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _shared_options() -> list[Any]:
    return [
        click.option("--store", metavar="URL", help="URL of the store."),
        *(click.option(f"--{role}", metavar="URL", help=what) for role, what in ROLES.items()),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"Configuration file (TOML); else ${FILE_VARIABLE}.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one line."),
    ]


def _file(config: Path | None) -> Path | None:
    if config is None and os.environ.get(FILE_VARIABLE):
        return Path(os.environ[FILE_VARIABLE])
    return config


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "-"
    return str(value) if value != "" else "-"
