"""The JavaScript SDK in a Next.js server: GET and POST /api/hello/{name}, a route handler."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.sdk import npm
from tests.sdk.endpoints import ask, is_refused, new_key, running, use_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(npm.missing() is not None, reason=f"{npm.missing()} is not installed"),
]

NEXT = "node_modules/next/dist/bin/next"
PORT = r"Local:\s+http://[^:\s]+:(\d+)(?s:.)*Ready"


@pytest.fixture(scope="module")
def project(consumer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Next.js project."""
    made = tmp_path_factory.mktemp("next")
    shutil.copytree(consumer / "next", made, dirs_exist_ok=True)
    (made / "package.json").write_text('{"name": "shop", "private": true}')
    # Its bundler wants the packages inside of the project.
    modules = consumer / "node_modules"
    shutil.copytree(modules, made / "node_modules", copy_function=os.link, symlinks=True)
    return made


@pytest.fixture(scope="module")
def url(project: Path, served: dict[str, str], node: str) -> Iterator[str]:
    """Its address, as its people serve it while they work on it."""
    command = [node, NEXT, "dev", "-H", "127.0.0.1", "-p", "0"]
    with running(command, project, PORT, served) as port:
        yield f"http://127.0.0.1:{port}/api/hello/world"


def test_a_route_handler_is_a_metered_endpoint(url: str, served: dict[str, str]) -> None:
    use_up(url, served, "lin")


def test_a_route_handler_has_all_that_next_gives_it(url: str, served: dict[str, str]) -> None:
    key = new_key(served, "liu")
    answer = ask(f"{url}?asked=1", key)
    assert answer.json() == {"hello": "liu", "name": "world", "asked": "1"}
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    told = ask(url, key, json={"n": 1})
    assert told.json() == {"hello": "liu", "told": {"n": 1}}
    assert "r=1;" in told.headers["ratelimit"]
    refused = ask(url, key, json={"n": 2})
    assert refused.status_code == 429
    is_refused(refused, "quota_exceeded", usageCount=3, limit=4)


def test_its_types_are_those_of_a_route_handler(project: Path, url: str) -> None:
    assert ask(url, None).status_code == 401  # By now the route's types are written.
    npm.run(project, "node_modules/.bin/tsc", "--noEmit", "-p", ".")
