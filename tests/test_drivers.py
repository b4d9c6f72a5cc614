"""Drivers are extras: never imported unless their store is named, and named when they are missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DRIVERS = ("asyncpg", "valkey", "libvalkey", "jwt", "httpx", "aiosmtplib", "stripe")
OF_PLUGINS = ("argon2", "cryptography", "jinja2")
"""What the base install has, for plugins that may not be configured: slow to import, and large."""

SERVE_ON_SQLITE = """
import asyncio, json, sys
from dream_gateway.gateway import Gateway
from dream_gateway.settings import Settings
import dream_gateway, dream_gateway.cli, dream_gateway.demo, dream_gateway.server.worker

async def main():
    gateway = Gateway(Settings(store=f"sqlite:///{sys.argv[1]}/dream.db"))
    await gateway.start()
    await gateway.close()

asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""

WITHOUT_DRIVER = """
import sys
from dream_gateway.cli import main

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("asyncpg", "valkey", "libvalkey", "jwt", "httpx", "stripe"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
main(sys.argv[1:])
"""


def test_a_gateway_on_sqlite_imports_no_driver(tmp_path: object) -> None:
    command = [sys.executable, "-c", SERVE_ON_SQLITE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "dream_gateway_sqlite" in loaded
    assert loaded.isdisjoint((*DRIVERS, *OF_PLUGINS))
    others = tuple(f"dream_gateway_{letter}" for letter in ("l", "o", "p", "st", "v"))
    assert not {name for name in loaded if name.startswith(others)}
    assert not {name for name in loaded if name.startswith("dream_gateway.billing")}


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("postgresql://localhost/db", "postgres"),
        ("postgres://localhost/db", "postgres"),
        ("valkey://localhost", "valkey"),
        ("valkey+cluster://localhost", "valkey"),
    ],
)
def test_a_driver_that_is_missing_is_named_with_what_to_install(url: str, extra: str) -> None:
    command = [sys.executable, "-c", WITHOUT_DRIVER, "platform", "list", "--store", url]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert f"pip install 'dream-gateway[{extra}]'" in done.stderr
    assert done.stderr.startswith("error: missing_extra: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "extra"), [("oidc", "oidc"), ("clerk", "oidc"), ("stripe", "stripe")]
)
def test_a_plugin_whose_packages_are_missing_is_named_with_what_to_install(
    name: str, extra: str, tmp_path: Path
) -> None:
    (tmp_path / "gateway.toml").write_text(f"[plugins.{name}]\n")
    command = [sys.executable, "-c", WITHOUT_DRIVER, "doctor"]
    environment = {**os.environ, "DREAM_GATEWAY_CONFIG": str(tmp_path / "gateway.toml")}
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 1
    assert f"pip install 'dream-gateway[{extra}]'" in done.stdout


def test_a_role_that_nobody_offers_says_who_does() -> None:
    # Valkey keeps counts; the records need a database.
    command = [sys.executable, "-m", "dream_gateway", "serve", "--store", "valkey://localhost"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "cannot hold the records" in done.stderr
    assert "postgresql (pip install 'dream-gateway[postgres]')" in done.stderr
