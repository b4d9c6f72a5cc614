"""The whole way: a developer signs up and sets up, a customer signs up, calls to the limit, and goes on.

On SQLite and on PostgreSQL, with accounts of the gateway's own and with those of an OpenID Connect
provider. Everything runs as processes; people do their part in Chromium.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest
from oidc_provider_mock import run_server_in_thread
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.wait import WebDriverWait
from tests.browser.conftest import Site, newest_link
from tests.browser.test_pages import PASSWORD, fill
from tests.local.conftest import CHEAP
from tests.servers.gateway import installation
from tests.servers.ports import free_port
from tests.servers.postgres import own_server
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.encryption_keys import mint_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.conftest import Open

# The provider is built with a library that warns of its own next version.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CLIENT = "the-gateway"
LIMIT, MORE = 6, 10


@dataclass
class Stage:
    """What runs: a gateway of two workers, the developer's site, and what has come back to it."""

    edge: str
    service: str
    site: str
    log: Path
    came_back: list[dict[str, list[str]]] = field(default_factory=list)

    def note(self, query: dict[str, list[str]]) -> str:
        """Take note of what a sign-in ended with; return what the callback shows."""
        self.came_back.append(query)
        return "you are back"


class Local:
    """People have accounts at the gateway itself."""

    @contextmanager
    def plugins(self, port: int) -> Iterator[dict[str, Any]]:
        yield {"local": {**CHEAP, "issuer": f"http://127.0.0.1:{port}"}}

    def developer(self, stage: Stage, driver: WebDriver) -> str:
        self._sign_up(stage, driver, "platform", "dev@example.com")
        page = f"{stage.service}/auth/platform"
        cookies = {each["name"]: each["value"] for each in driver.get_cookies()}
        answer = httpx.post(
            f"{page}/token",
            cookies=cookies,
            headers={"origin": stage.service},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        return str(answer.raise_for_status().json()["token"])

    def customer(self, stage: Stage, driver: WebDriver, made: dict[str, Any]) -> str:
        back = f"{stage.site}/callback"
        key = made["project"]["publishableKey"]
        driver.delete_all_cookies()
        self._sign_up(stage, driver, key, "ada@example.com", redirect_url=back)
        WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains("code="))
        answer = httpx.post(
            f"{stage.service}/api/auth/exchange",
            json={"code": stage.came_back[-1]["code"][0], "redirectUrl": back},
            headers={"authorization": f"Bearer {made['secretKey']}"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        return str(answer.raise_for_status().json()["token"])

    def _sign_up(
        self, stage: Stage, driver: WebDriver, realm: str, email: str, **query: str
    ) -> None:
        driver.get(f"{stage.service}/auth/{realm}/sign-up?{urlencode(query)}")
        fill(driver, email=email, new_password=PASSWORD)
        driver.get(newest_link(stage.log, f"to {email}, Confirm"))
        fill(driver, password=PASSWORD)


class Oidc:
    """People have accounts at a provider, who both kinds of them are sent to."""

    issuer = ""

    @contextmanager
    def plugins(self, port: int) -> Iterator[dict[str, Any]]:
        del port
        with run_server_in_thread() as provider:
            self.issuer = f"http://localhost:{provider.server_port}"
            options = {"issuer": self.issuer, "audience": [CLIENT]}
            yield {"oidc": {"users": options, "developers": options}}

    def developer(self, stage: Stage, driver: WebDriver) -> str:
        return self._sign_in(stage, driver, "dev", email="dev@example.com")

    def customer(self, stage: Stage, driver: WebDriver, made: dict[str, Any]) -> str:
        key = made["project"]["publishableKey"]
        return self._sign_in(
            stage, driver, "ada", email="ada@example.com", publishableKey=key, plan="pro"
        )

    def _sign_in(self, stage: Stage, driver: WebDriver, user: str, **claims: str) -> str:
        httpx.put(f"{self.issuer}/users/{user}", json=claims, trust_env=False).raise_for_status()
        back = f"{stage.site}/callback"
        query = {
            "client_id": CLIENT, "redirect_uri": back, "response_type": "code",
            "scope": "openid email",
        }  # fmt: skip
        driver.get(f"{self.issuer}/oauth2/authorize?{urlencode(query)}")
        driver.find_element("name", "sub").send_keys(user)
        driver.find_element("css selector", "form button").click()
        WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains("code="))
        form = {
            "grant_type": "authorization_code", "redirect_uri": back,
            "code": stage.came_back[-1]["code"][0],
        }  # fmt: skip
        answer = httpx.post(
            f"{self.issuer}/oauth2/token", data=form, auth=(CLIENT, "secret"), trust_env=False
        )
        return str(answer.raise_for_status().json()["id_token"])


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/gateway.db"
    else:
        with own_server("-c", "fsync=off") as server:
            yield server.url


@pytest.fixture(params=[Local, Oidc])
def people(request: pytest.FixtureRequest) -> Local | Oidc:
    made: Local | Oidc = request.param()
    return made


@pytest.fixture
def stage(tmp_path: Path, store: str, people: Local | Oidc) -> Iterator[Stage]:
    with ExitStack() as stack:
        site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
        stack.callback(site.server_close)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        stack.callback(site.shutdown)
        url = f"http://127.0.0.1:{site.server_port}"
        port = free_port()
        place = installation(
            tmp_path,
            store=store,
            upstream=url,
            service_port=port,
            workers=2,
            encryption_keys=[mint_key()],
            plugins=stack.enter_context(people.plugins(port)),
        )
        gateway = stack.enter_context(place.serving())
        made = Stage(gateway.edge, gateway.service, url, gateway.log)
        site.came_back = made.note  # type: ignore[attr-defined]  # as `Site` asks
        yield made


class Api:
    """Somebody's requests to one address, with a header that says who they are."""

    def __init__(self, base: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._client = httpx.Client(base_url=base, headers=named, trust_env=False, timeout=30)

    def status(self, path: str) -> int:
        return self._client.get(path).status_code

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


def test_from_sign_up_to_the_limit_and_past_it(
    stage: Stage, people: Local | Oidc, browsers: Open
) -> None:
    driver = browsers()
    developer = Api(stage.service, authorization=f"Bearer {people.developer(stage, driver)}")
    assert developer("POST", "/platform/sign-up", {"name": "Acme"})["role"] == "owner"
    made = developer("POST", "/platform/projects", {"name": "Weather", "origins": [stage.site]})
    backend = Api(stage.service, authorization=f"Bearer {made['secretKey']}")
    for name, limit in (("free", LIMIT), ("pro", LIMIT + MORE)):
        backend("POST", "/api/tiers", {"name": name, "limit": limit})

    token = people.customer(stage, driver, made)
    publishable = made["project"]["publishableKey"]
    credential = {"x_publishable_key": publishable, "authorization": f"Bearer {token}"}
    page = Api(stage.edge, **credential)
    assert [page.status("/forecast") for _ in range(LIMIT // 2)] == [200] * (LIMIT // 2)
    (customer,) = backend("GET", "/api/customers")["data"]
    assert (customer["plan"], customer["email"]) == ("free", "ada@example.com")
    key = backend("POST", f"/api/customers/{customer['id']}/keys")["key"]
    program = Api(stage.edge, x_api_key=key)
    asked = [program.status("/forecast") for _ in range(LIMIT)]
    assert (asked.count(200), asked.count(429)) == (LIMIT - LIMIT // 2, LIMIT // 2)
    assert page.status("/forecast") == 429

    backend("PATCH", f"/api/customers/{customer['id']}", {"plan": "pro"})
    for _ in range(MORE):
        until(lambda: page.status("/forecast") == 200, "admitted after the upgrade")
    assert [program.status("/forecast"), page.status("/forecast")] == [429, 429]
    customers_own = Api(stage.service, **credential)

    def is_told() -> bool:
        usage = customers_own("GET", "/api/usage")
        return (usage["usageCount"], usage["limit"]) == (LIMIT + MORE, LIMIT + MORE)

    # Another worker than the one that changed the plan hears of it a moment later.
    until(is_told, "told of the new limit, used up")
