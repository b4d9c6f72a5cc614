"""Chromium, a gateway as people start it, and a developer's own site."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.local.conftest import CHEAP, FREE, brand
from tests.sdk import npm
from tests.servers.gateway import installation
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.administration import Administration
from dream_gateway.encryption_keys import mint_key
from dream_gateway.gateway import Gateway
from dream_gateway.model import Branding, Mode
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.crowded import Crowded

    Open = Callable[..., WebDriver]

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SCREENSHOTS = "DREAM_SCREENSHOTS"
"""The variable that names a folder to keep pictures of the pages in."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none."""
    if CHROMIUM and DRIVER:
        return
    skip = pytest.mark.skip(reason="needs chromium and chromium-driver")
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(skip)


class Site(BaseHTTPRequestHandler):
    """The developer's site: a page with a script that asks for the token, and a callback."""

    def do_GET(self) -> None:
        """Show the page; the callback takes the code, and what comes of it is the page's text."""
        server: Any = self.server
        parts = urlsplit(self.path)
        text = "the developer's own page"
        if parts.path == "/callback":
            text = server.came_back(parse_qs(parts.query))
        body = f"<!doctype html><title>site</title><p id=said>{text}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def newest_link(log: Path, subject: str) -> str:
    """Return the link of the newest mail with a subject, from the log: there is no mailer."""

    def newest() -> str | None:
        mails = log.read_text().split("No plugin sends mail")
        links = [re.findall(r"http://\S+", mail) for mail in mails if subject in mail]
        return str(links[-1][0]) if links else None

    return str(until(newest, f"sent a mail: {subject}"))


@dataclass
class World:
    """Everything that runs."""

    gateway: str
    site: str
    publishable_key: str
    secret_key: str
    log: Path
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{self.gateway}/auth/{self.publishable_key}"

    def link(self, subject: str) -> str:
        """Return the link of the newest mail with a subject."""
        return newest_link(self.log, subject)

    def came_back(self, query: dict[str, list[str]]) -> str:
        """Exchange the code, server to server, as the developer's callback does."""
        answer = httpx.post(
            f"{self.gateway}/api/auth/exchange",
            json={"code": query["code"][0]},
            headers={"authorization": f"Bearer {self.secret_key}"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        self.answers.append({**answer.json(), "state": query.get("state")})
        return f"welcome {answer.json().get('email')}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("browser")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    port = free_port()
    settings: dict[str, Any] = {
        "store": f"sqlite:///{folder}/gateway.db",
        "encryption_keys": [mint_key()],
    }
    made = asyncio.run(_prepare(settings, site))
    plugins = {"local": {**CHEAP, "issuer": f"http://127.0.0.1:{port}"}}
    place = installation(folder, **settings, service_port=port, plugins=plugins)
    try:
        with place.serving() as gateway:
            each = World(gateway.service, site, *made, gateway.log)
            server.came_back = each.came_back  # type: ignore[attr-defined]
            yield each
    finally:
        server.shutdown()


async def _prepare(settings: dict[str, Any], site: str) -> tuple[str, str]:
    """Make a project that has the site on its list, and return its keys."""
    gateway = Gateway(Settings(**{**settings, "encryption_keys": ()}))
    await gateway.start()
    try:
        made = await Administration(gateway.records).create_platform("Acme", Mode.TEST, [FREE], ())
        look = Branding("Acme Weather", {"primary": "#0B7A4B"})
        await brand(gateway, made.project, origins=(site,), branding=look)
    finally:
        await gateway.close()
    return made.publishable_key, made.secret_key


def open_browser(*, scripts: bool = True) -> WebDriver:
    """Start a browser, which is the caller's to quit."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    # Else a picture has a scroll bar in it.
    options.add_argument("--hide-scrollbars")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        off = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", off)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(PATIENCE_SECONDS)
    return driver


@pytest.fixture(scope="module")
def browsers() -> Iterator[Open]:
    """Return a function that opens a browser, with scripts or without."""
    opened: list[WebDriver] = []

    def start(*, scripts: bool = True) -> WebDriver:
        opened.append(open_browser(scripts=scripts))
        return opened[-1]

    yield start
    for driver in opened:
        driver.quit()


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    """A gateway whose dashboard has a crowd, for all who look at it."""
    from tests.browser.crowded import crowded

    folder = tmp_path_factory.mktemp("dashboard")
    with crowded(folder, f"sqlite:///{folder}/gateway.db") as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, from npm, kept beside the project's other tools."""
    folder = Path(sys.prefix)
    found = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        npm.install(folder, "--prefix", folder, "axe-core")
    return found.read_text()


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[WebDriver, str], None]:
    """Return what keeps a picture of a page, where a folder is named for them."""
    folder = os.environ.get(SCREENSHOTS)

    def save(driver: WebDriver, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    del request
    return save
