"""The tutorial, typed as it stands into a shell in an empty folder, answers what it says there.

Only its ports are others, since a machine that runs tests may have theirs in use.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.docs.shell import ROOT, installing, libraries, typed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

PORTS = ("3000", "8080", "8787")
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_it_works_as_it_istyped(tmp_path: Path) -> None:
    blocks = BLOCK.findall(_elsewhere((ROOT / "docs" / "tutorial.md").read_text()))
    boxes = [text for kind, text in blocks if kind == "sh"]
    boxes[0] = installing(boxes[0], libraries(tmp_path / "libraries"))
    told = iter(typed(boxes, tmp_path))
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = next(told)
        else:
            assert re.fullmatch(_pattern(text), said.strip("\n"), re.DOTALL), (text, said)


def _elsewhere(text: str) -> str:
    """Return a text with other ports, which were free a moment ago."""
    with ExitStack() as held:
        for port in PORTS:
            free = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            text = text.replace(f":{port}", f":{free}").replace(f'", {port})', f'", {free})')
            options = {"8080": "--port", "8787": "--service-port"}
            if port in options:
                text = text.replace("-gateway serve ", f"-gateway serve {options[port]} {free} ")
    return text


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.strip("\n").split("…"))
