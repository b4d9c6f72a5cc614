"""The stores of `compose.yaml`, run as it says by the same programs from their wheels."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.servers.postgres import binaries, own_server
from tests.servers.valkey import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]

pytestmark = pytest.mark.long


@pytest.fixture
def valkey() -> Iterator[Server]:
    """A server with the options of the service."""
    program, *options = SERVICES["valkey"]["command"]
    assert program == "valkey-server"
    server = Server(*options)
    yield server
    server.remove()


def test_valkey_keeps_every_count_before_it_answers_and_evicts_nothing(valkey: Server) -> None:
    told = valkey.client().config_get("append*", "maxmemory*")
    assert (told["appendonly"], told["appendfsync"]) == ("yes", "always")
    assert told["maxmemory-policy"] == "noeviction"


def test_postgres_is_healthy_when_it_listens_and_not_before() -> None:
    word, program, *options = SERVICES["postgres"]["healthcheck"]["test"]
    assert word == "CMD"

    def asked(port: int, folder: Path) -> int:
        # Where it would look for a socket, if it did.
        environ = {**os.environ, "PGPORT": str(port), "PGHOST": str(folder)}
        command = [binaries() / program, *options]
        return subprocess.run(command, env=environ, capture_output=True, check=False).returncode

    with own_server() as server:
        assert asked(server.port, server.folder) == 0
        # The socket answers still, by another port's name: as while the image makes the database.
        (server.folder / ".s.PGSQL.1").symlink_to(server.folder / f".s.PGSQL.{server.port}")
        by_socket = [binaries() / program, "--host", server.folder, "--port=1"]
        assert subprocess.run(by_socket, capture_output=True, check=False).returncode == 0
        assert asked(1, server.folder) != 0
