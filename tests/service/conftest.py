"""The service over HTTP without a socket, on a real gateway with its store in an SQLite file."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from tests.servers.protocols import listening
from tests.service.signed_tokens import SignedTokens
from tests.waiting import eventually

from dream_gateway.administration import Administration
from dream_gateway.encryption_keys import mint_key
from dream_gateway.gateway import Gateway
from dream_gateway.model import Allowance, AllowanceKind, Interval, Mode, Project, Tier
from dream_gateway.plugins import Plugins
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import Service, create_service
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Executable, Row

    from dream_gateway.hookspecs import Identity, UserAdministration, UserWebhook

    Open = Callable[[], AbstractAsyncContextManager[Gateway]]
    Speak = Callable[[Service, str | None], AbstractAsyncContextManager[httpx.AsyncClient]]
    Ask = Callable[[Executable], Any]

ENCRYPTION_KEY = mint_key()
OPERATOR = "an operator's token, which nobody can guess"
QUOTA, RATE = AllowanceKind.QUOTA, AllowanceKind.RATE
TIERS = (
    Tier("free", (Allowance(QUOTA, 10, Interval.MONTH),), display_name="Free"),
    Tier("pro", (Allowance(QUOTA, None, Interval.MONTH),), price=1999, features=("a", "b")),
    Tier("big", (Allowance(QUOTA, 100_000, Interval.MONTH),), popular=True, trial_days=14),
    Tier("slow", (Allowance(RATE, 2, Interval.HOUR, burst=2),)),
)


class WithIdentities(Plugins):
    """Plugins of which the test gives the identities, of end users and of developers."""

    def __init__(
        self,
        known: Sequence[Identity],
        developers: Sequence[Identity] = (),
        *,
        administrations: Sequence[UserAdministration] = (),
        webhooks: Sequence[UserWebhook] = (),
    ) -> None:
        super().__init__({})
        self._registered = {
            "identities": tuple(known),
            "developer_identities": tuple(developers),
            "user_administrations": tuple(administrations),
            "user_webhooks": tuple(webhooks),
        }


@dataclass
class Tenant:
    """One project and its keys, with a client that speaks for it."""

    project: Project
    secret_key: str
    publishable_key: str
    client: httpx.AsyncClient

    async def customer(self, external_id: str, **more: Any) -> dict[str, Any]:
        body = {"email": f"{external_id}@example.org", "externalId": external_id, **more}
        answer = await self.client.post("/api/customers", json=body)
        assert answer.status_code == 201, answer.text
        customer: dict[str, Any] = answer.json()["customer"]
        return customer

    async def key(self, customer: str, **more: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/api/customers/{customer}/keys", json=more)
        assert answer.status_code == 201, answer.text
        key: dict[str, Any] = answer.json()
        return key


@dataclass
class Developer:
    """A developer, with a client that sends their token."""

    client: httpx.AsyncClient
    token: str

    async def project(self, **more: Any) -> dict[str, Any]:
        """Create a project; return `project` and `secretKey`."""
        answer = await self.client.post("/platform/projects", json={"name": "shop", **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> SignedTokens:
    """Who signs developers' tokens, and verifies them."""
    return SignedTokens(clock)


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Path:
    """The file that every gateway of the test has its store in."""
    return Path(shutil.copy(migrated, tmp_path / "gateway.db"))


@pytest.fixture
def opened(database: Path, clock: FakeClock, plugins: Plugins) -> Open:
    """Return a context manager that runs a gateway on the test's database, a worker of its own."""

    @asynccontextmanager
    async def open_gateway() -> AsyncIterator[Gateway]:
        settings = Settings(
            store=f"sqlite:///{database}",
            operator_tokens=(OPERATOR,),
            encryption_keys=(ENCRYPTION_KEY,),
        )
        gateway = Gateway(settings, clock)
        gateway.plugins = plugins
        try:
            await gateway.start()
            await eventually(gateway.health, "healthy", holds=lambda parts: not any(parts.values()))
            yield gateway
        finally:
            await gateway.close()

    return open_gateway


@pytest.fixture
async def gateway(opened: Open) -> AsyncIterator[Gateway]:
    async with opened() as each:
        yield each


@pytest.fixture
def identities() -> tuple[Identity, ...]:
    """Who verifies end users' tokens: nobody, where a test does not say otherwise."""
    return ()


@pytest.fixture
def plugins(identities: tuple[Identity, ...], tokens: SignedTokens) -> Plugins:
    """What is plugged in: who verifies end users' tokens, and developers'."""
    return WithIdentities(identities, (tokens,))


@pytest.fixture
def service(gateway: Gateway) -> Service:
    return create_service(ServiceHost(gateway))


@pytest.fixture(params=["asgi", "protocol"])
def speak(request: pytest.FixtureRequest) -> Speak:
    """Return how to open a client of a service, with a secret key or with no credential.

    The service is called as an ASGI application, or served by its own protocol on loopback.
    """
    return _call if request.param == "asgi" else _dial


@pytest.fixture
async def anybody(service: Service, speak: Speak) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a credential."""
    async with speak(service, None) as client:
        yield client


@pytest.fixture
async def tenant(gateway: Gateway, service: Service, speak: Speak) -> AsyncIterator[Tenant]:
    async with _tenant(gateway, service, speak, "one") as each:
        yield each


@pytest.fixture
async def stranger(gateway: Gateway, service: Service, speak: Speak) -> AsyncIterator[Tenant]:
    """Another platform's project on the same gateway."""
    async with _tenant(gateway, service, speak, "two") as each:
        yield each


@pytest.fixture
async def ada(service: Service, speak: Speak, tokens: SignedTokens) -> AsyncIterator[Developer]:
    """A developer whom nobody has seen yet."""
    token = tokens.sign("ada", "ada@example.com")
    async with speak(service, token) as client:
        yield Developer(client, token)


@pytest.fixture
async def grace(service: Service, speak: Speak, tokens: SignedTokens) -> AsyncIterator[Developer]:
    """Another one."""
    token = tokens.sign("grace", "grace@example.com")
    async with speak(service, token) as client:
        yield Developer(client, token)


@pytest.fixture
async def operator(service: Service, speak: Speak) -> AsyncIterator[httpx.AsyncClient]:
    """The one who runs the gateway."""
    async with speak(service, OPERATOR) as client:
        yield client


@pytest.fixture
def rows(gateway: Gateway) -> Ask:
    """Return how to ask the records themselves."""

    async def ask(query: Executable) -> Sequence[Row[Any]]:
        async with gateway.records.read() as connection:
            return (await connection.execute(query)).all()

    return ask


@asynccontextmanager
async def _tenant(
    gateway: Gateway, service: Service, speak: Speak, name: str
) -> AsyncIterator[Tenant]:
    administration = Administration(gateway.records)
    made = await administration.create_platform(name, Mode.TEST, TIERS, ())
    async with speak(service, made.secret_key) as client:
        yield Tenant(made.project, made.secret_key, made.publishable_key, client)


@asynccontextmanager
async def _call(service: Service, secret_key: str | None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=cast("Any", service))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers=_credential(secret_key)
    ) as client:
        yield client


@asynccontextmanager
async def _dial(service: Service, secret_key: str | None) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        listening(ServiceProtocols(service)) as url,
        httpx.AsyncClient(
            base_url=url, headers=_credential(secret_key), trust_env=False, timeout=60
        ) as client,
    ):
        yield client


def _credential(secret_key: str | None) -> dict[str, str] | None:
    return None if secret_key is None else {"authorization": f"Bearer {secret_key}"}
