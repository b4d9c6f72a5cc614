"""Reads `deploy/Dockerfile`, and does in a folder what it says: no engine is there to build it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VENV = "/opt/dream-gateway"


@dataclass
class Stage:
    """One stage: its instructions in their order, each a word and what follows it."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for name, rest in self.lines if name == word]

    def last(self, word: str) -> str:
        return self.all(word)[-1]


def stages(dockerfile: Path) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage())
        if word:
            found[-1].lines.append((word, rest.strip()))
    return found


def environment(stage: Stage) -> dict[str, str]:
    """Return what the `ENV` instructions set."""
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(stage.all("ENV"))))


def build(stage: Stage, context: Path, folder: Path) -> Path:
    """Copy what the stage copies and run what it runs, in a folder; return the virtual environment."""
    venv, source = folder / "venv", folder / "src"
    source.mkdir(parents=True)
    given = (each.split("=", 1) for each in stage.all("ARG") if "=" in each)
    environ = dict(os.environ) | dict(given)
    for word, rest in stage.lines:
        if word == "COPY":
            _copy(rest, context, source)
        elif word == "RUN":
            script = re.sub(r"(?<![/\w])python (?=-[mc])", f"{sys.executable} ", rest)
            script = script.replace(VENV, str(venv))
            subprocess.run(["/bin/sh", "-ec", script], cwd=source, env=environ, check=True)
    return venv


def _copy(instruction: str, context: Path, source: Path) -> None:
    """Do what a `COPY` says."""
    *names, target = instruction.split()
    for name in names:
        place = source / target / (name if target == "./" else "")
        if (context / name).is_dir():
            shutil.copytree(context / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(context / name, place)


def words(instruction: str) -> list[str]:
    """Return the words of an instruction in its JSON form."""
    found: list[str] = json.loads(instruction[instruction.index("[") :])
    return found
