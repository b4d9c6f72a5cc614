"""The package as it is built, packed and installed, and a gateway to use it with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sdk import installed
from tests.sdk.endpoints import UNITS
from tests.servers.gateway import installation

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
def node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Node of 20 or newer."""
    return installed.node(tmp_path_factory)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A gateway whose free tier has `UNITS`, as variables of the environment."""
    place = installation(tmp_path_factory.mktemp("served"))
    made = place.create_platform(f"free={UNITS}/month")
    with place.serving() as gateway:
        yield {"GATEWAY_URL": gateway.service, "GATEWAY_SECRET_KEY": made["secretKey"]}
