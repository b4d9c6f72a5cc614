"""One real server on loopback for all tests of a process, and a project of its own for each."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from tests.servers.beside import Beside, loop_beside
from tests.servers.protocols import listening
from tests.service.conftest import TIERS, WithIdentities

from dream_gateway.administration import Administration
from dream_gateway.client import AsyncDreamAPI, DreamAPI
from dream_gateway.encryption_keys import mint_key
from dream_gateway.errors import InvalidCredentialError
from dream_gateway.gateway import Gateway
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Mode
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

T = TypeVar("T")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without the authorities of this machine, which take longer to read than a test takes."""

OPERATOR = "an-operator-of-no-gateway-but-this"

TIMEOUT = 60.0
"""Seconds that a slow machine may take to answer."""


class TokenOf:
    """Knows the users of any project by tokens that begin with `good:`."""

    async def verify(self, token: str) -> Identified | None:
        kind, _, tenant = token.partition(":")
        if kind != "good":
            raise InvalidCredentialError
        return Identified("https://issuer.example", "ada", tenant=tenant)


class Developers:
    """Knows developers by tokens that begin with `dev:`."""

    async def verify(self, token: str) -> Identified | None:
        kind, _, name = token.partition(":")
        return Identified("https://developers.example", name) if kind == "dev" else None


@dataclass
class Live:
    """A server on a loop of its own."""

    gateway: Gateway
    clock: FakeClock
    url: str
    beside: Beside


@dataclass
class Project:
    """A project's keys, and where its service is; `slept` are the waits of its clients."""

    url: str
    secret_key: str
    publishable_key: str
    id: str
    slept: list[float] = field(default_factory=list)

    def client(self, **more: Any) -> AsyncDreamAPI:
        """Return a client whose waits are noted, and take no time."""
        more.setdefault("transport", httpx.AsyncHTTPTransport(verify=NO_TLS))
        return AsyncDreamAPI(**self._arguments(more), sleep=self._sleep)

    def blocking(self, **more: Any) -> DreamAPI:
        """Return a client that blocks, likewise."""
        return DreamAPI(**self._arguments(more), sleep=self.slept.append)

    def _arguments(self, more: dict[str, Any]) -> dict[str, Any]:
        given = {"base_url": self.url, "secret_key": self.secret_key, "timeout": TIMEOUT}
        return given | {"chance": lambda: 1.0} | more

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    store = f"sqlite:///{tmp_path_factory.mktemp('live')}/dream.db"
    clock = FakeClock()
    settings = Settings(store=store, encryption_keys=(mint_key(),), operator_tokens=(OPERATOR,))
    gateway = Gateway(settings, clock)
    gateway.plugins = WithIdentities((TokenOf(),), (Developers(),))
    with loop_beside() as beside:
        beside.run(gateway.start())
        try:
            protocols = ServiceProtocols(create_service(ServiceHost(gateway)))
            with beside.entered(listening(protocols)) as url:
                yield Live(gateway, clock, url, beside)
        finally:
            beside.run(gateway.close())


@pytest.fixture
def project(live: Live) -> Project:
    administration = Administration(live.gateway.records)
    made = live.beside.run(administration.create_platform("one", Mode.TEST, TIERS, ()))
    return Project(live.url, made.secret_key, made.publishable_key, made.project.id)


@pytest.fixture
async def api(project: Project) -> AsyncIterator[AsyncDreamAPI]:
    async with project.client() as each:
        yield each


@pytest.fixture
def clock(live: Live) -> FakeClock:
    return live.clock
