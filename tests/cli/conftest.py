"""Runs commands as a shell would, against a real SQLite file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one line of JSON on the standard output."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


@pytest.fixture
def store(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a store of its own, in the environment too."""
    url = f"sqlite:///{database}"
    monkeypatch.setenv("DREAM_GATEWAY_STORE", url)
    monkeypatch.chdir(tmp_path)
    return url


@pytest.fixture
def no_store(store: str) -> None:
    """Take the store's file away: the first command finds nothing."""
    Path(store.removeprefix("sqlite:///")).unlink()


@pytest.fixture
def run(store: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Return a function that runs one command."""

    def run_one(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(int(str(ended.value.code or 0)), captured.out, captured.err)

    return run_one


@pytest.fixture
def done(run: Callable[..., Result]) -> Callable[..., Any]:
    """Return a function that runs a command with `--json`, which must succeed, for its answer."""

    def run_well(*arguments: str) -> Any:
        result = run(*arguments, "--json")
        assert (result.code, result.err) == (0, "")
        return result.json

    return run_well


@pytest.fixture
def refused(run: Callable[..., Result]) -> Callable[..., str]:
    """Return a function that runs a command, which must fail with one line, for that line."""

    def run_badly(*arguments: str) -> str:
        result = run(*arguments)
        assert result.code != 0
        assert result.out == ""
        assert result.err.startswith("error: ")
        assert result.err.count("\n") == 1, result.err
        return result.err

    return run_badly


@pytest.fixture
def project(done: Callable[..., Any]) -> str:
    """Return the id of a project with two tiers."""
    made = done(
        "platform",
        "create",
        "--name",
        "Acme",
        "--tier",
        "free=100/month@10/s",
        "--tier",
        "pro=unlimited",
    )
    return str(made["projectId"])
