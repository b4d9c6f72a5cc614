"""`scripts/audit` fails for a known vulnerability, and for nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit"
FINE = {"name": "fine", "version": "1.0", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "not there"}
BAD = {
    "name": "bad",
    "version": "1.0",
    "vulns": [{"id": "ADV-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}],
}


def audit(folder: Path, answer: str, code: int) -> tuple[int, str]:
    """Run the script beside a `pip-audit` that gives an answer, as the real one does."""
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    (folder / "scripts").mkdir()
    shutil.copy(SCRIPT, folder / "scripts" / "audit")
    (tools / "python").symlink_to(sys.executable)
    (folder / "answer").write_text(answer)
    fake = tools / "pip-audit"
    fake.write_text(f"#!/bin/sh\ncat {folder}/answer\nexit {code}\n")
    fake.chmod(0o755)
    done = subprocess.run(
        [folder / "scripts" / "audit"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def listed(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_fails_the_check(tmp_path: Path) -> None:
    code, out = audit(tmp_path, listed(FINE, BAD, SKIPPED), 1)
    assert (code, out) == (1, "audit: bad 1.0: ADV-1, fixed in 1.1\n")


@pytest.mark.parametrize(
    ("answer", "code"), [("", 1), ("not JSON", 1), (listed(SKIPPED), 0), (listed(), 0)]
)
def test_an_index_that_cannot_be_reached_is_one_line(
    tmp_path: Path, answer: str, code: int
) -> None:
    expected = "audit: skipped, the index of advisories cannot be reached\n"
    assert audit(tmp_path, answer, code) == (0, expected)


def test_what_is_fine_says_nothing(tmp_path: Path) -> None:
    assert audit(tmp_path, listed(FINE), 0) == (0, "")
