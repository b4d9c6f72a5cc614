"""What is made of the table and the document, as it is checked in; and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from codegen.__main__ import FOLDER, modules

HEAVY = ("sqlalchemy", "starlette", "alembic", "jinja2", "cryptography", "pluggy", "uvicorn")
LOADED = "import json, sys, dream_gateway.client; print(json.dumps(sorted(sys.modules)))"
SERVER = """
import json, sys
import dream_gateway.cli, dream_gateway.server.worker, dream_gateway.server.composition
import dream_gateway.dashboard, dream_gateway.service.app, dream_gateway.edge.app
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return modules()


@pytest.mark.parametrize("name", ["shapes.py", "blocking.py", "asynchronous.py"])
def test_it_is_as_it_would_be_made(made: dict[str, str], name: str) -> None:
    assert (FOLDER / name).read_text() == made[name], "run scripts/client"


def test_nothing_else_is_there(made: dict[str, str]) -> None:
    assert {each.name for each in FOLDER.glob("*.py")} == {"__init__.py", *made}


def loaded(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_client_needs_nothing_of_the_server() -> None:
    found = loaded(LOADED)
    assert found.isdisjoint(HEAVY)
    own = {name.split(".")[1] for name in found if name.startswith("dream_gateway.")}
    assert own == {"client", "model", "signatures", "version"}


def test_the_server_needs_nothing_of_the_client() -> None:
    assert not {each for each in loaded(SERVER) if each.startswith("dream_gateway.client")}
