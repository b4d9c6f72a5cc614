"""Stores for tests that run on more than one engine; and no secret in any test's log."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from hypothesis import HealthCheck, settings
from tests.servers.postgres import Schemas, any_server
from tests.servers.tls import Authority

from dream_gateway import keys
from dream_gateway.clock import SystemClock
from dream_gateway.plugins import open_backend
from dream_gateway.records.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from dream_gateway.model import KeyKind, Mode

MINTED: pytest.StashKey[set[str]] = pytest.StashKey()
SERVED = {"postgres", "valkey"}
"""The stores that are servers, as folders and parameters of tests are named."""

SECRET = re.compile(r"\b[sa]k_(?:test|live)_[0-9A-Za-z]{36}")


def pytest_configure(config: pytest.Config) -> None:
    """Remember every secret that is minted in the run, and hold no example to a time."""
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")
    minted = config.stash[MINTED] = set()
    mint = keys.mint

    def remember(kind: KeyKind, mode: Mode) -> str:
        key = mint(kind, mode)
        minted.add(key)
        return key

    keys.mint = remember


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `long` what runs on a server of its own, which takes a test several times as long.

    And, of the service's routes, the second time: as ASGI application, beside the protocol.
    """
    for item in items:
        folders = {each.name for each in item.path.parents}
        parameters = set(item.name.replace("]", "-").replace("[", "-").split("-"))
        twice = "service" in folders and "asgi" in parameters
        if twice or SERVED & (folders | parameters):
            item.add_marker(pytest.mark.long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in whose log there is a secret that was minted in the run."""
    report = yield
    logged = " ".join(text for title, text in report.sections if "log" in title)
    if report.when == "teardown" and not item.config.stash[MINTED].isdisjoint(
        SECRET.findall(logged)
    ):
        report.outcome = "failed"
        report.longrepr = "A secret that was minted in this run is in the log of this test."
    return report


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of servers that speak TLS."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have clients trust one authority of the many that they come with.

    No test goes beyond loopback, and to read them all takes a client longer than most tests.
    """
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----")
    path = tmp_path_factory.mktemp("authority") / "one.pem"
    path.write_text(first + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(path))
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the records' tables, to be copied: making them takes longer than a test."""
    path = tmp_path_factory.mktemp("migrated") / "dream.db"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


async def _migrated(url: str) -> None:
    backend = open_backend(url, SystemClock())
    await backend.start()
    try:
        await migrate(backend.records_engine())
    finally:
        await backend.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that no test stops."""
    with any_server() as url:
        yield url


@pytest.fixture
async def schemas(postgres_server: str) -> AsyncIterator[Schemas]:
    """Empty schemas on it, removed at the end."""
    made = Schemas(postgres_server)
    yield made
    await made.drop()


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Path:
    """An SQLite file of the test's own, `dream.db` in its folder, with the records' tables."""
    return Path(shutil.copy(migrated, tmp_path / "dream.db"))


@pytest.fixture(params=["sqlite", "postgres"])
async def bare_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a store on each engine that can hold the records, with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/dream.db"
        return
    made = Schemas(request.getfixturevalue("postgres_server"))
    yield await made.new()
    await made.drop()


@pytest.fixture
def store(bare_store: str, request: pytest.FixtureRequest) -> str:
    """The same with the records' tables, if they are there faster than they are made."""
    if bare_store.startswith("sqlite:"):
        request.getfixturevalue("database")
    return bare_store
