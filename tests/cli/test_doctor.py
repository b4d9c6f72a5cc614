"""`dream-gateway doctor`: each thing that can be wrong, and what it says."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.tls import DAY, Authority

from dream_gateway.clock import SystemClock
from dream_gateway.journal import Journal, boot_id
from dream_gateway.plugins import open_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def test_a_gateway_in_good_health(done: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        url = f"http://127.0.0.1:{upstream.getsockname()[1]}"
        answer = done("doctor", "--upstream", url)
    assert answer["ok"]
    names = [check["name"] for check in answer["checks"]]
    assert names == [
        "settings",
        "plugins",
        "clock",
        "store",
        "schema",
        "journals",
        "secrets",
        "upstream",
    ]


@pytest.mark.usefixtures("no_store")
def test_it_makes_no_schema(done: Command, store: str) -> None:
    Path(store.removeprefix("sqlite:///")).touch()
    checks = {check["name"]: check for check in done("doctor")["checks"]}
    assert checks["schema"]["detail"].startswith("none yet")
    done("platform", "create", "--name", "shop", "--tier", "free=10/month")
    checks = {check["name"]: check for check in done("doctor")["checks"]}
    assert checks["schema"]["detail"] == "current"


def test_an_upstream_on_a_unix_socket(done: Command, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as upstream:
        upstream.bind(str(path))
        upstream.listen()
        answer = done("doctor", "--upstream", f"unix:{path}")
    assert answer["checks"][-1]["detail"] == f"unix:{path}: reachable"


def test_what_dead_workers_left_is_counted(done: Command, tmp_path: Path, store: str) -> None:
    checks = {check["name"]: check for check in done("doctor")["checks"]}
    folder = Path(checks["journals"]["detail"].partition(":")[0])
    backend = open_backend(store, SystemClock())

    async def identity() -> str:
        await backend.start()
        try:
            return await backend.ledger().identity()
        finally:
            await backend.close()

    ledger = asyncio.run(identity())
    dead, alive = (Journal(folder, ledger, boot_id()) for _ in range(2))
    for _ in range(3):
        dead.open(0)
    dead.close()
    checks = {check["name"]: check for check in done("doctor")["checks"]}
    detail = checks["journals"]["detail"]
    assert detail.endswith(
        "1 in use, 1 of dead workers with 3 leases, given back at the next start"
    )
    assert dead.path.exists()
    alive.close()


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


def test_a_plugin_whose_settings_cannot_work(run: Command, tmp_path: Path) -> None:
    table = '[plugins.oidc.users]\nissuer = "http://id.example.com"\naudience = ["x"]\n'
    (tmp_path / "gateway.toml").write_text(table)
    bad = _bad(run("doctor", "--json", "--config", "gateway.toml"))
    assert "plugins.oidc.users.issuer" in bad["plugins"]


def test_people_get_the_advice_beside_the_fault(run: Command) -> None:
    result = run("doctor", "--store", "nosuch://db")
    assert result.code == 1
    assert "bad  store" in result.out
    assert "-> There is no store named 'nosuch'" in result.out


def test_a_store_of_a_newer_version_is_told_and_not_looked_into(
    run: Command, done: Command, tmp_path: Path
) -> None:
    done("platform", "list")
    with closing(sqlite3.connect(tmp_path / "dream.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE schema_readers SET oldest = '9998'")
        connection.commit()
    result = run("doctor")
    assert result.code == 1
    assert "bad  schema    from a newer version" in result.out
    assert "secrets" not in result.out


def test_certificates_are_looked_at(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    good = authority.issue("127.0.0.1", tmp_path / "good.pem")
    old = authority.issue("127.0.0.1", tmp_path / "old.pem", until=-DAY)
    monkeypatch.setenv("DREAM_GATEWAY_TLS_CERTIFICATE", str(good.certificate))
    monkeypatch.setenv("DREAM_GATEWAY_TLS_KEY", str(good.key))
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert (checks["tls"]["ok"], checks["tls"]["detail"]) == (
        True,
        f"tls_certificate {good.certificate}",
    )
    monkeypatch.setenv("DREAM_GATEWAY_TLS_CERTIFICATE", str(old.certificate))
    assert "is not the key of" in _bad(run("doctor", "--json"))["tls"]
    monkeypatch.setenv("DREAM_GATEWAY_TLS_KEY", str(old.key))
    assert "expired at" in _bad(run("doctor", "--json"))["tls"]


def test_a_file_that_others_can_read_is_told(done: Command, store: str) -> None:
    file = Path(store.removeprefix("sqlite:///"))
    for mode, told in ((0o600, False), (0o644, True)):
        file.chmod(mode)
        answer = done("doctor")
        details = {check["name"]: check["detail"] for check in answer["checks"]}
        assert answer["ok"]
        assert (f"chmod 600 {file}" in details["store"]) is told
