"""A gateway with the local identity plugin, its service served on loopback, and a browser of sorts."""

from __future__ import annotations

import re
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.servers.protocols import listening

from dream_gateway.administration import Administration
from dream_gateway.encryption_keys import mint_key
from dream_gateway.gateway import Gateway
from dream_gateway.hookspecs import hookimpl
from dream_gateway.model import Allowance, AllowanceKind, Branding, Interval, Mode, Tier
from dream_gateway.plugins import Plugins
from dream_gateway.records import projects
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from dream_gateway.facilities import Mail, Mailer
    from dream_gateway.model import Project
    from dream_gateway_local.plugin import LocalSite

APP = "https://app.example.com"
BACK = f"{APP}/callback"
PASSWORD = "correct horse battery"
CHEAP = {"argon2_memory": 8, "argon2_passes": 1}
FREE = Tier("free", (Allowance(AllowanceKind.QUOTA, 10, Interval.MONTH),))


class Inbox:
    """A mailer that keeps what it is given, as a plugin of its own."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    @hookimpl
    def mailers(self, settings: Mapping[str, object]) -> Sequence[Mailer]:
        del settings
        return [self]

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def link(self) -> str:
        """Return the last mail's link, as path and query."""
        (found,) = re.findall(r"https?://[^/\s]+(/\S+)", self.mails[-1].text)
        return str(found)


class WithInbox(Plugins):
    """The configured plugins, and an inbox."""

    def __init__(self, configured: Mapping[str, Mapping[str, object]], inbox: Inbox) -> None:
        super().__init__(configured)
        self._manager.register(inbox, name="inbox")
        self._settings["inbox"] = {}


@dataclass
class World:
    """A served gateway with one project."""

    gateway: Gateway
    clock: FakeClock
    project: Project
    publishable_key: str
    secret_key: str
    url: str
    inbox: Inbox = field(default_factory=Inbox)

    @property
    def site(self) -> LocalSite:
        (site,) = self.gateway.sites
        return site  # type: ignore[return-value]  # the plugin's own

    @property
    def path(self) -> str:
        return f"/auth/{self.publishable_key}"

    def browser(self) -> Browser:
        return Browser(self)

    async def neighbour(self) -> World:
        """Return another platform's project on the same gateway."""
        made = await Administration(self.gateway.records).create_platform(
            "Two", Mode.TEST, [FREE], ()
        )
        await brand(self.gateway, made.project, origins=(APP,))
        return replace(
            self,
            project=made.project,
            publishable_key=made.publishable_key,
            secret_key=made.secret_key,
        )

    async def mailed(self) -> Mail:
        """Wait for what is to be mailed, and return the last of it."""
        await self.site.parts.drained()
        return self.inbox.mails[-1]

    async def exchange(self, code: str, **more: str) -> httpx.Response:
        """Exchange a code as the developer's back end does."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.post(
                "/api/auth/exchange",
                json={"code": code, **more},
                headers={"authorization": f"Bearer {self.secret_key}"},
            )

    async def user(self, email: str, password: str = PASSWORD) -> Browser:
        """Sign somebody up, confirmed and signed in."""
        browser = self.browser()
        await browser.sign_up(email, password)
        await self.mailed()
        await browser.open(self.inbox.link())
        answer = await browser.send({"password": password})
        assert answer.status_code == 303, answer.text
        return browser


class Browser:
    """Keeps cookies, fills in the form it was shown, and says what browsers say of a request."""

    def __init__(self, world: World, address: str = "") -> None:
        self.world = world
        headers = {"x-forwarded-for": address} if address else {}
        self.client = httpx.AsyncClient(base_url=world.url, trust_env=False, headers=headers)
        self.shown = ""

    async def open(self, path: str, **parameters: str) -> httpx.Response:
        answer = await self.client.get(path, params=parameters or None)
        self.shown = answer.text
        return answer

    async def send(self, values: dict[str, str], form: int = 0) -> httpx.Response:
        """Send a form of the page that is shown, its hidden fields as they are."""
        forms = re.findall(r'<form method="post" action="([^"]+)".*?</form>', self.shown, re.DOTALL)
        body = re.split(r'<form method="post" ', self.shown)[1 + form]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body))
        answer = await self.client.post(
            forms[form],
            data={**{name: unescape(text) for name, text in hidden.items()}, **values},
            headers={"origin": self.world.url, "sec-fetch-site": "same-origin"},
        )
        self.shown = answer.text or self.shown
        return answer

    def form(self, ending: str) -> int:
        """Return the number of the form whose action ends so, on the page that is shown."""
        (found,) = self.forms(ending)
        return found

    def forms(self, ending: str) -> list[int]:
        """Return the numbers of the forms whose action ends so."""
        actions = re.findall(r'<form method="post" action="([^"]+)"', self.shown)
        return [at for at, action in enumerate(actions) if action.endswith(ending)]

    async def sign_up(
        self, email: str, password: str = PASSWORD, **parameters: str
    ) -> httpx.Response:
        await self.open(f"{self.world.path}/sign-up", **parameters)
        return await self.send({"email": email, "new-password": password})

    async def sign_in(
        self, email: str, password: str = PASSWORD, **parameters: str
    ) -> httpx.Response:
        await self.open(f"{self.world.path}/sign-in", **parameters)
        return await self.send({"email": email, "password": password})

    async def is_signed_in(self) -> bool:
        answer = await self.open(f"{self.world.path}/account")
        return answer.status_code == 200

    async def token(self, origin: str | None = APP) -> httpx.Response:
        """Ask for the token as a page of an origin does."""
        headers = {} if origin is None else {"origin": origin, "sec-fetch-site": "same-site"}
        return await self.client.post(f"{self.world.path}/token", headers=headers)


@pytest.fixture
def options() -> dict[str, object]:
    """What a test adds to the plugin's table."""
    return {}


@pytest.fixture
async def world(tmp_path: Path, migrated: Path, options: dict[str, object]) -> AsyncIterator[World]:
    path = shutil.copy(migrated, tmp_path / "gateway.db")
    async with open_world(f"sqlite:///{path}", options) as each:
        yield each


@pytest.fixture
async def anywhere(store: str, options: dict[str, object]) -> AsyncIterator[World]:
    """The same, on each engine that can hold the records."""
    async with open_world(store, options) as each:
        yield each


@asynccontextmanager
async def open_world(
    store: str, options: dict[str, object], keys: tuple[str, ...] = ()
) -> AsyncIterator[World]:
    clock, inbox = FakeClock(), Inbox()
    settings = Settings(
        store=store,
        encryption_keys=keys or (mint_key(),),
        trusted_proxies=("127.0.0.1",),
        plugins={"local": {**CHEAP, **options}},
    )
    gateway = Gateway(settings, clock, WithInbox(settings.plugins, inbox))
    try:
        await gateway.start()
        made = await Administration(gateway.records).create_platform("Acme", Mode.TEST, [FREE], ())
        await brand(gateway, made.project, origins=(APP,))
        async with listening(ServiceProtocols(create_service(ServiceHost(gateway)))) as url:
            yield World(
                gateway, clock, made.project, made.publishable_key, made.secret_key, url, inbox
            )
    finally:
        await gateway.close()


async def brand(gateway: Gateway, project: Project, **values: Any) -> None:
    """Set a project's origins, colours and so on."""
    async with gateway.records.write("test") as writer:
        found = await projects.find(writer.connection, project.id)
        assert found is not None
        values = {"branding": Branding("Acme Weather", {"primary": "#0B7A4B"}), **values}
        await projects.change(writer, replace(found, **values))
