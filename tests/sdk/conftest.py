"""The package as it is built, packed and installed, and a gateway to use it with."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.sdk import installed, npm
from tests.sdk.endpoints import GATEWAY, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source with what it is built by, built."""
    return installed.package(tmp_path_factory)


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that would be published."""
    return installed.packed(tmp_path_factory)


@pytest.fixture(scope="session")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody who installed that file, and frameworks to use it with."""
    return installed.consumer(tmp_path_factory)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A gateway whose free tier has `UNITS`, as variables of the environment."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "gateway.toml").write_text(
        'store = "sqlite:///dream.db"\nport = 0\nservice_port = 0\n'
    )
    options = ("--json", "--config", "gateway.toml")
    tiers = ("--name", "Acme", "--tier", f"free={UNITS}/month")
    made = json.loads(npm.run(folder, *GATEWAY, "platform", "create", *tiers, *options))
    with subprocess.Popen(
        [*GATEWAY, "serve", *options], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        listening = json.loads(process.stdout.readline())
        yield {"DREAM_GATEWAY_URL": listening["service"], "DREAM_SECRET_KEY": made["secretKey"]}
        process.terminate()
