from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.servers.valkey import DURABLE, Cluster, Server, fresh_urls

from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def shared_url() -> Iterator[str]:
    """One server for every test that does it no harm."""
    given = os.environ.get("DREAM_GATEWAY_TEST_VALKEY")
    if given:
        yield given
        return
    server = Server(*DURABLE)
    yield server.url
    server.remove()


@pytest.fixture(scope="session")
def shared_cluster_url() -> Iterator[str]:
    given = os.environ.get("DREAM_GATEWAY_TEST_VALKEY_CLUSTER")
    if given:
        yield given
        return
    cluster = Cluster()
    yield cluster.url
    cluster.remove()


@pytest.fixture(scope="session")
def new_url(shared_url: str) -> Callable[[], str]:
    """Return the URLs of empty stores on the shared server."""
    urls = fresh_urls(shared_url)
    return lambda: next(urls)


@pytest.fixture(scope="session")
def new_cluster_url(shared_cluster_url: str) -> Callable[[], str]:
    urls = fresh_urls(shared_cluster_url)
    return lambda: next(urls)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, to be harmed."""
    made = Server(*DURABLE)
    yield made
    made.remove()
