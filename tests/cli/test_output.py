"""Output that cannot be written, as a shell sees it: each command is a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Any]

LIMIT_BYTES = 128 * 1024
"""A file may become no larger: the log of the store fits, a copy of it does not."""


@pytest.fixture
def platform(done: Command, project: str) -> str:
    return str(done("platform", "list")["data"][0]["platformId"])


def shell(*arguments: str, **options: Any) -> tuple[int, str]:
    """Run a command; return its exit code and what it wrote to the standard error."""
    command = [sys.executable, "-m", "dream_gateway", *arguments]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("words", [("platform", "list"), ("export",), ("doctor",)], ids=" ".join)
def test_a_standard_output_that_is_full(platform: str, words: tuple[str, ...]) -> None:
    arguments = (*words, platform) if words == ("export",) else words
    with open("/dev/full", "wb") as full:
        code, said = shell(*arguments, stdout=full)
    line = "error: failed: The standard output cannot be written: No space left on device.\n"
    assert (code, said) == (1, line)


@pytest.mark.parametrize("words", [("platform", "list"), ("export",)], ids=" ".join)
def test_a_reader_that_has_left_is_told_nothing(platform: str, words: tuple[str, ...]) -> None:
    arguments = (*words, platform) if words == ("export",) else words
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        assert shell(*arguments, stdout=pipe) == (1, "")


def limited(size: int) -> Callable[[], None]:
    return partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))


def crowd(done: Command, platform: str, project: str, to: Path) -> None:
    """Give a platform so many customers that its export is larger than the limit."""
    done("customer", "create", "--project", project, "--id", "ada")
    done("export", platform, "--with-digests", "--output", str(to))
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    (ada,) = (line for line in lines if line["record"] == "customer")
    names = (f"{number:04}" for number in range(2 * LIMIT_BYTES // len(json.dumps(ada))))
    lines += [ada | {"id": f"{ada['id'][:-4]}{name}", "externalId": name} for name in names]
    to.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_an_export_that_finds_no_room_names_its_file(
    done: Command, platform: str, project: str, tmp_path: Path
) -> None:
    crowd(done, platform, project, tmp_path / "crowd.jsonl")
    other = f"sqlite:///{tmp_path}/other.db"
    done("import", str(tmp_path / "crowd.jsonl"), "--store", other)
    to = tmp_path / "small"
    arguments = ("export", platform, "--store", other, "--output", str(to))
    assert shell(*arguments, preexec_fn=limited(LIMIT_BYTES)) == (
        1,
        f"error: failed: {to} cannot be written: File too large.\n",
    )
    assert not to.exists()


def test_a_backup_that_finds_no_room_names_its_file(platform: str, tmp_path: Path) -> None:
    to = tmp_path / "backup.db"
    code, said = shell("backup", str(to), preexec_fn=limited(LIMIT_BYTES))
    assert (code, said.startswith(f"error: store_unavailable: {to} cannot be written: ")) == (
        1,
        True,
    )
    assert not list(tmp_path.glob("backup*"))
