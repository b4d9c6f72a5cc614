"""Developers sign in to the dashboard at an OpenID Connect provider, and out again, in Chromium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from oidc_provider_mock import run_server_in_thread
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import title_contains, url_contains
from selenium.webdriver.support.wait import WebDriverWait
from tests.browser.test_pages import press, text
from tests.servers.gateway import installation
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.encryption_keys import mint_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.conftest import Open

# The provider is built with a library that warns of its own next version.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CLIENT = "the-dashboard"
ADA = "ada@example.com"


@dataclass(frozen=True, slots=True)
class Staffed:
    """What runs: a gateway whose developers are at a provider."""

    url: str
    issuer: str


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    folder, port = tmp_path_factory.mktemp("provider"), free_port()
    own: dict[str, Any] = {
        "store": f"sqlite:///{folder}/gateway.db",
        "service_port": port,
        "service_url": f"http://127.0.0.1:{port}",
        "encryption_keys": [mint_key()],
    }
    with run_server_in_thread() as provider:
        issuer = f"http://localhost:{provider.server_port}"
        developers = {
            "issuer": issuer,
            "audience": [CLIENT],
            "client_id": CLIENT,
            "client_secret": "of the client",
            "label": "the staff's accounts",
        }
        place = installation(folder, **own, plugins={"oidc": {"developers": developers}})
        httpx.put(
            f"{issuer}/users/ada", json={"email": ADA, "email_verified": True}, trust_env=False
        ).raise_for_status()
        with place.serving() as gateway:
            yield Staffed(gateway.service, issuer)


def sign_in(driver: WebDriver, staffed: Staffed, onward: str = "/dashboard") -> None:
    """Go where nobody is let in without, and sign in at the provider."""
    driver.get(staffed.url + onward)
    WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains("/dashboard/sign-in"))
    driver.find_element(By.PARTIAL_LINK_TEXT, "the staff's accounts").click()
    WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains(staffed.issuer))
    driver.find_element(By.NAME, "sub").send_keys("ada")
    driver.find_element(By.CSS_SELECTOR, "form button, form input[type=submit]").click()
    WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains(f"{staffed.url}/dashboard"))


def test_a_developer_signs_in_makes_a_project_and_comes_back_to_it(
    staffed: Staffed, browsers: Open
) -> None:
    driver = browsers()
    sign_in(driver, staffed)
    assert driver.current_url.endswith("/dashboard/new")
    assert ADA in driver.page_source
    driver.find_element(By.ID, "name").send_keys("Weather")
    press(driver, 1)
    WebDriverWait(driver, PATIENCE_SECONDS).until(lambda _: "sk_test_" in text(driver))
    project = driver.find_element(By.PARTIAL_LINK_TEXT, "Go on").get_attribute("href")
    assert project is not None
    home = project.removesuffix("/start").removeprefix(staffed.url)
    driver.get(staffed.url + home)
    driver.find_element(By.CSS_SELECTOR, "details.account summary").click()
    press(driver)
    WebDriverWait(driver, PATIENCE_SECONDS).until(lambda _: "You are signed out" in text(driver))
    # Who signs in again goes on where they were not let in.
    sign_in(driver, staffed, f"{home}/keys")
    assert driver.current_url == f"{staffed.url}{home}/keys"
    WebDriverWait(driver, PATIENCE_SECONDS).until(title_contains("API keys"))


def test_who_does_not_agree_at_the_provider_is_not_signed_in(
    staffed: Staffed, browsers: Open
) -> None:
    driver = browsers()
    driver.get(f"{staffed.url}/dashboard/sign-in/oidc")
    WebDriverWait(driver, PATIENCE_SECONDS).until(url_contains(staffed.issuer))
    back = f"{staffed.url}/dashboard/signed-in/oidc?error=access_denied"
    driver.get(back)
    assert "Please try again" in text(driver)
    driver.get(f"{staffed.url}/dashboard/new")
    assert "/dashboard/sign-in" in driver.current_url
