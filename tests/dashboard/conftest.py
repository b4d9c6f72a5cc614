"""A gateway with the dashboard, served on loopback, and a browser of sorts in front of it."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select
from tests.local.conftest import CHEAP, FREE, PASSWORD, Browser, Inbox, WithInbox, World
from tests.servers.protocols import listening

from dream_gateway.administration import Administration
from dream_gateway.encryption_keys import mint_key
from dream_gateway.gateway import Gateway
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Mode
from dream_gateway.records import dashboard_sessions, developers, projects, tiers
from dream_gateway.records.schema import audit_log
from dream_gateway.server.composition import open_service
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OPERATOR = "an operator's token, which nobody can guess"


class Board:
    """A served gateway, and who visits its dashboard."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def gateway(self) -> Gateway:
        return self.world.gateway

    def browser(self) -> Browser:
        return Browser(self.world)

    async def developer(self, email: str = "ada@example.com") -> Browser:
        """Have somebody signed in, by a link of theirs."""
        secret = f"of {email}"
        async with self.gateway.records.write("test") as writer:
            who = Identified("https://id.example.com", email, email, email_verified=True)
            made = await developers.register(writer, who)
            digest = sha256(secret.encode()).digest()
            await dashboard_sessions.issue_link(writer, digest, made.id, writer.now + 60)
        browser = self.browser()
        answer = await browser.open("/dashboard/link", code=secret)
        assert answer.headers["location"] == "/dashboard"
        return browser

    async def signed_up(self, email: str = "ada@example.com") -> Browser:
        """Sign somebody up, from the dashboard's first page to its second."""
        browser = self.browser()
        await self.walk(browser, "/dashboard/sign-in/local?new=1")
        await browser.send({"email": email, "new-password": PASSWORD})
        await self.world.mailed()
        await browser.open(self.world.inbox.link())
        answer = await browser.send({"password": PASSWORD})
        await self.walk(browser, self._path(answer.headers["location"]))
        return browser

    async def walk(self, browser: Browser, path: str) -> str:
        """Open a page, follow where it leads, and return its path in the end."""
        for _ in range(10):
            answer = await browser.open(path)
            if answer.status_code != 303:
                assert answer.status_code == 200, answer.text
                return path
            path = self._path(answer.headers["location"])
        raise AssertionError("It leads on and on.")

    async def project(self, browser: Browser, name: str = "Weather") -> str:
        """Make a project, and return its id."""
        await browser.open("/dashboard/new")
        answer = await browser.send({"name": name, "type": "saas", "mode": "test"}, form=1)
        assert answer.status_code == 201, answer.text
        (found,) = re.findall(r'href="/dashboard/(prj_\w+)/start">Go on', answer.text)
        return str(found)

    async def platform_of(self, project: str) -> str:
        """Return the id of a project's platform."""
        async with self.gateway.records.read() as connection:
            found = await projects.find(connection, project)
        assert found is not None
        return found.platform_id

    async def offer(self, project: str) -> None:
        """Give a project a tier."""
        async with self.gateway.records.write("test") as writer:
            await tiers.put(writer, project, FREE)

    async def gateway_audit(self) -> list[str]:
        """Return what was done, newest first."""
        query = select(audit_log.c.action).order_by(audit_log.c.position.desc())
        async with self.gateway.records.read() as connection:
            return list((await connection.execute(query)).scalars())

    def _path(self, url: str) -> str:
        return url.removeprefix(self.world.url)


@asynccontextmanager
async def open_board(store: str, **more: dict[str, object]) -> AsyncIterator[Board]:
    """Open one on a store; `more` are plugins by name, with their settings."""
    clock, inbox = FakeClock(), Inbox()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        store=store,
        encryption_keys=(mint_key(),),
        operator_tokens=(OPERATOR,),
        trusted_proxies=("127.0.0.1",),
        service_url=url,
        plugins={"local": {**CHEAP}, **more},
    )
    gateway = Gateway(settings, clock, WithInbox(settings.plugins, inbox))
    try:
        await gateway.start()
        made = await Administration(gateway.records).create_platform("Acme", Mode.TEST, [FREE], ())
        world = World(
            gateway, clock, made.project, made.publishable_key, made.secret_key, url, inbox
        )
        async with listening(ServiceProtocols(open_service(gateway)), listener):
            yield Board(world)
    finally:
        await gateway.close()


@pytest.fixture
async def board(tmp_path: Path, migrated: Path) -> AsyncIterator[Board]:
    path = shutil.copy(migrated, tmp_path / "gateway.db")
    async with open_board(f"sqlite:///{path}") as each:
        yield each


@pytest.fixture
async def anywhere(store: str) -> AsyncIterator[Board]:
    """The same, on each engine that can hold the records."""
    async with open_board(store) as each:
        yield each


def listened(board: Board) -> list[str]:
    """Return a list to which every statement is added that the records get from now on.

    What the gateway does beside requests, in the tasks that it has now, is left out.
    """
    found: list[str] = []
    beside = asyncio.all_tasks() - {asyncio.current_task()}

    def note(*each: Any) -> None:
        if asyncio.current_task() not in beside:
            found.append(each[2])

    event.listen(board.gateway.stores.records_engine().sync_engine, "before_cursor_execute", note)
    return found
