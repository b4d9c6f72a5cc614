"""`dream-gateway doctor`: each thing that can be wrong, and what it says."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Any]


def test_a_gateway_in_good_health(done: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        url = f"http://127.0.0.1:{upstream.getsockname()[1]}"
        answer = done("doctor", "--upstream", url)
    assert answer["ok"]
    names = [check["name"] for check in answer["checks"]]
    assert names == ["settings", "plugins", "clock", "store", "schema", "journals", "upstream"]


def _bad(result: Any) -> dict[str, str]:
    assert result.code == 1
    assert result.err.startswith("error: unhealthy: ")
    assert result.err.count("\n") == 1
    return {check["name"]: check["advice"] for check in result.json["checks"] if not check["ok"]}


def test_an_upstream_that_is_down(run: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    bad = _bad(run("doctor", "--json", "--upstream", f"http://127.0.0.1:{port}"))
    assert bad == {"upstream": "start it, or correct its URL"}


@pytest.mark.parametrize(
    ("url", "advice"), [("nosuch://db", "no store named"), ("sqlite://", "SQLite URL")]
)
def test_a_store_that_cannot_be_opened(run: Command, url: str, advice: str) -> None:
    assert advice in _bad(run("doctor", "--json", "--store", url))["store"]


def test_a_store_that_is_not_a_database(run: Command, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be taken for one " * 99)
    bad = _bad(run("doctor", "--json", "--store", f"sqlite:///{tmp_path / 'text.db'}"))
    assert set(bad) == {"store"}


def test_a_plugin_that_is_not_installed(run: Command, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("[plugins.nosuch]\n")
    bad = _bad(run("doctor", "--json", "--config", "gateway.toml"))
    assert "nosuch" in bad["plugins"]


def test_people_get_the_advice_beside_the_fault(run: Command) -> None:
    result = run("doctor", "--store", "nosuch://db")
    assert result.code == 1
    assert "bad  store" in result.out
    assert "-> There is no store named 'nosuch'" in result.out
