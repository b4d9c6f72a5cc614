"""`export` and `import`, against real SQLite files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.transfer.original_system import SECRET_KEY, Original

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Any]


@pytest.fixture
def platform(done: Command, project: str) -> str:
    done("customer", "create", "--project", project, "--id", "ada", "--plan", "pro")
    done("key", "create", "--project", project, "--customer", "ada")
    return str(done("platform", "list")["data"][0]["platformId"])


def test_a_platform_moves_to_another_store(
    done: Command, run: Command, platform: str, tmp_path: Path
) -> None:
    file, other = tmp_path / "acme.jsonl", f"sqlite:///{tmp_path}/other.db"
    written = done("export", platform, "--with-digests", "--output", str(file))
    assert written == {"output": str(file), "lines": len(file.read_text().splitlines())}
    assert file.stat().st_mode & 0o777 == 0o600
    planned = done("import", str(file), "--dry-run", "--store", other)
    assert (planned["dryRun"], planned["created"]["key"], planned["refused"]) == (True, 3, [])
    assert done("platform", "list", "--store", other)["data"] == []
    report = done("import", str(file), "--store", other)
    assert report["created"] == planned["created"]
    assert run("export", platform, "--with-digests", "--store", other).out == file.read_text()
    (entry, *_) = done("audit", "--action", "project.import", "--store", other)["data"]
    assert (entry["actor"], entry["platformId"]) == ("operator", platform)
    assert entry["details"]["created"]["customer"] == 1
    again = done("import", str(file), "--store", other)
    assert (again["created"], again["kept"]) == ({}, report["created"])


def test_without_digests_nothing_of_a_key_can_be_recognised(
    run: Command, platform: str, tmp_path: Path
) -> None:
    result = run("export", platform)
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines[0] == {"record": "export", "version": 1, "platformId": platform}
    assert sum(line["record"] == "key" for line in lines) == 3
    assert not any("digest" in line for line in lines)
    file = tmp_path / "bare.jsonl"
    file.write_text(result.out)
    other = f"sqlite:///{tmp_path}/other.db"
    failed = run("import", str(file), "--store", other)
    assert failed.code == 1
    assert "it has no digest" in failed.err


def test_a_file_that_is_there_is_not_written_over(
    refused: Command, platform: str, tmp_path: Path
) -> None:
    file = tmp_path / "there"
    file.write_text("mine")
    assert "File exists" in refused("export", platform, "--output", str(file))
    assert file.read_text() == "mine"


def test_a_platform_that_is_not_there_leaves_no_file(
    refused: Command, store: str, tmp_path: Path
) -> None:
    file = tmp_path / "none"
    assert refused("export", "plt_none").startswith("error: not_found: ")
    assert refused("export", "plt_none", "--output", str(file)).startswith("error: not_found: ")
    assert not file.exists()


def test_the_system_before_is_imported_and_told_what_else_to_do(
    run: Command, done: Command, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DREAM_GATEWAY_ENCRYPTION_KEYS", done("secrets", "key")["encryptionKey"])
    original = Original(tmp_path)
    result = run("import", str(original.sqlite()))
    assert result.code == 0
    assert "project        1 created, 0 there already" in result.out
    assert (
        "note: Imported keys have the shape of the system before: set imported_keys" in result.out
    )
    assert SECRET_KEY not in result.out
    assert "token-to-seal" not in result.out
    (row,) = done("secrets", "list")["data"]
    assert (row["column"], row["rows"]) == ("stripe_tokens.access_token", 1)


def test_what_is_refused_is_listed_and_fails(run: Command, store: str, tmp_path: Path) -> None:
    original = Original(tmp_path)
    original.tables["end_users"][0]["plan"] = "gold"
    del original.tables["stripe_tokens"]
    result = run("import", str(original.sqlite()))
    assert result.code == 1
    assert "refused: end_users row 1 of prj_" in result.out
    assert result.err.startswith("error: refused: 1 lines, the first is end_users row 1")


def test_a_file_of_no_kind_is_refused(refused: Command, store: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    assert "neither an SQLite file" in refused("import", str(file))
