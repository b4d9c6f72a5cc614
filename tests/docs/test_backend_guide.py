"""The code of the guide is that of the example, and it names all of the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dream_gateway import storage

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "writing-a-backend.md"
EXAMPLE = ROOT / "examples" / "dream-gateway-lmdb"
TEXT = GUIDE.read_text()
BLOCKS = re.findall(r"```(?:python|toml)\n(.*?)```", TEXT, re.DOTALL)
MEMBERS = [
    name
    for protocol in (storage.Ledger, storage.KeyValue, storage.ChangeFeed)
    for name in vars(protocol)
    if not name.startswith("_")
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_stands_in_the_example(block: str) -> None:
    files = [file for kind in ("py", "toml") for file in EXAMPLE.rglob(f"*.{kind}")]
    assert any(block in file.read_text() for file in files)


def test_there_is_code_of_every_part() -> None:
    assert len(BLOCKS) == 6


@pytest.mark.parametrize("name", [*MEMBERS, "durability", "shareable", "persistent", "roles"])
def test_the_contract_is_named(name: str) -> None:
    assert re.search(rf"\b{name.replace('_', '.')}\b", TEXT)


def test_every_file_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\((\.\./[^)#]+|[\w.-]+\.md)\)", TEXT):
        assert (GUIDE.parent / target).exists(), target
