"""Code in the documentation is code: it parses, and names what there is.

What a page's code does is shown by tests of its own; this holds for all of it.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import textwrap
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest

from dream_gateway.cli.root import root

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^|[\s;(|&])dream-gateway ([^|;&>)\n]*)")
LEFT_OUT = {"…", "..."}


class Block(NamedTuple):
    """One box of code."""

    page: str
    number: int
    language: str
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        for number, (language, text) in enumerate(BLOCK.findall(page.read_text())):
            if language in languages:
                yield Block(str(page.relative_to(ROOT)), number, language, text)


def named(found: Iterator[Block]) -> list[object]:
    return [pytest.param(each, id=f"{each.page}-{each.number}") for each in found]


@pytest.mark.parametrize("block", named(blocks("python")))
def test_python_parses_and_what_it_imports_of_the_gateway_is_there(block: Block) -> None:
    for each in ast.walk(ast.parse(textwrap.dedent(block.text))):
        if isinstance(each, ast.ImportFrom) and (each.module or "").startswith("dream_gateway"):
            module = import_module(each.module or "")
            assert [n.name for n in each.names if not hasattr(module, n.name)] == []


@pytest.mark.parametrize("block", named(blocks("toml")))
def test_toml_parses(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", named(blocks("json")))
def test_json_parses(block: Block) -> None:
    assert json.loads(block.text)


def test_every_command_in_a_box_is_one_with_options_that_it_has() -> None:
    seen = 0
    for block in blocks("sh", "console", "bash"):
        joined = block.text.replace("\\\n", " ")
        for line in joined.splitlines():
            for words in COMMAND.findall(line.partition(" # ")[0]):
                _parsed(block, shlex.split(words))
                seen += 1
    assert seen > 20


def _parsed(block: Block, words: list[str]) -> None:
    """Fail unless the words are a command, and its options."""
    command: click.Command | None = root
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command = command.get_command(click.Context(command), rest.pop(0))
    assert command is not None, (block.page, words)
    known = {"--help", "-h", "--version"}
    for option in command.params:
        known |= {*option.opts, *option.secondary_opts}
    asked = {word.partition("=")[0] for word in rest if word.startswith("-")}
    assert asked - LEFT_OUT <= known, (block.page, words)
