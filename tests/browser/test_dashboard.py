"""`/dashboard` and `/operator` in Chromium: every page, light and dark, and what can be done there."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.webdriver.support import expected_conditions
from tests.browser.conftest import newest_link
from tests.browser.crowded import OPERATOR
from tests.browser.test_pages import complaints, fill, leave, measure, patience, size, text
from tests.dashboard.every_page import MOST_BYTES, MOST_SECONDS, OUTSIDE, PAGES
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver
    from tests.browser.conftest import Open
    from tests.browser.crowded import Crowded

    Keep = Callable[[WebDriver, str], None]
    Look = Callable[[str, str, tuple[int, int], str], list[Any]]

PASSWORD = "correct horse battery"
WIDTHS = {"desk": (1280, 900), "phone": (360, 740), "narrow": (320, 640)}
SCHEMES = ("light", "dark")
CHECKED = ("light-desk", "dark-phone")
"""The colours and widths that axe looks at."""

TRIES = 30
GRAVE = {"serious", "critical"}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def driver(board: Crowded, browsers: Open) -> WebDriver:
    """A browser of somebody who is signed in, and the operator too."""
    made = browsers()
    made.get(board.url + board.link)
    assert made.title.startswith("Overview")
    made.get(f"{board.url}/operator/sign-in")
    fill(made, operator_token=OPERATOR)
    assert made.title.startswith("Operator")
    return made


def faults(driver: WebDriver, axe: str) -> list[Any]:
    """Return what axe finds grave on a page, in short."""
    driver.execute_script(axe)
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, arguments[0]).then(done, error => done({violations: String(error)}));",
        RULES,
    )
    return [
        (each["id"], each["impact"], each["nodes"][0]["html"][:200])
        for each in found["violations"]
        if each["impact"] in GRAVE
    ]


@pytest.mark.parametrize("page", [*PAGES, *OUTSIDE])
def test_pages_fit_every_width_and_axe_finds_nothing_grave(look: Look, page: str) -> None:
    path = {**PAGES, **OUTSIDE}[page].path
    for scheme in SCHEMES:
        for name, wide in WIDTHS.items():
            assert look(path, scheme, wide, f"{page}-{scheme}-{name}") == [], (scheme, name)


@pytest.fixture
def look(board: Crowded, driver: WebDriver, axe: str, keep: Keep) -> Look:
    """Return what opens a page, and returns what is wrong with it."""

    def found(path: str, scheme: str, wide: tuple[int, int], name: str) -> list[Any]:
        size(driver, wide, scheme)
        driver.get(board.url + path.format_map(board.names))
        keep(driver, name)
        wrong = complaints(driver)
        # What axe looks for differs with the colours, and hardly with the width.
        if name.endswith(CHECKED):
            wrong += faults(driver, axe)
        width = measure(driver, "document.documentElement.scrollWidth")
        return [*wrong, *(["too wide"] if width > wide[0] else [])]

    return found


def test_each_page_is_small_and_quick(board: Crowded, driver: WebDriver) -> None:
    cookies = {each["name"]: each["value"] for each in driver.get_cookies()}
    with httpx.Client(
        base_url=board.url, cookies=cookies, trust_env=False, timeout=PATIENCE_SECONDS
    ) as client:
        for page, (path, _) in PAGES.items():
            times: list[float] = []
            # The quickest, by the server's processor where others want it, too: no page's fault.
            while len(times) < TRIES and min(times, default=1.0) > MOST_SECONDS:
                begun, spent = time.perf_counter(), board.spent()
                answer = client.get(path.format_map(board.names))
                times += [time.perf_counter() - begun, board.spent() - spent]
            assert answer.status_code == 200, page
            assert len(answer.content) < MOST_BYTES, page
            assert min(times) < MOST_SECONDS, (page, times)


def test_counters_live_themes_switch_and_the_menu_opens_by_keyboard(
    board: Crowded, driver: WebDriver
) -> None:
    size(driver, WIDTHS["desk"])
    driver.get(board.home)
    wait = patience(driver)
    wait.until(lambda each: each.find_element("id", "live-today").text != "…")
    before = measure(driver, "getComputedStyle(document.body).backgroundColor")
    driver.find_element("css selector", "button.theme").click()
    driver.get(board.home)
    assert measure(driver, "getComputedStyle(document.body).backgroundColor") != before
    driver.find_element("css selector", "button.theme").click()

    size(driver, WIDTHS["phone"])
    driver.get(board.home)
    assert not driver.find_element("id", "side").is_displayed()
    driver.find_element("css selector", "button.menu").send_keys("\ue007")
    wait.until(lambda each: each.find_element("id", "side").is_displayed())
    driver.find_element("css selector", "#side a[href$='/start']").click()
    wait.until(lambda each: each.title.startswith("Getting started"))


def test_a_chart_tells_its_values_and_has_a_table_behind_it(
    board: Crowded, driver: WebDriver
) -> None:
    size(driver, WIDTHS["desk"])
    driver.get(board.home)
    from selenium.webdriver.common.action_chains import ActionChains

    bars = driver.find_elements("css selector", "#traffic .hover")
    ActionChains(driver).move_to_element(bars[-2]).perform()
    wait = patience(driver)
    wait.until(lambda each: "admitted" in each.find_element("css selector", ".tip").text)
    tip = driver.find_element("css selector", ".tip").text
    driver.find_element("css selector", "#traffic summary").click()
    rows = driver.find_elements("css selector", "#traffic tbody tr")
    assert len(rows) == len(bars) == 30
    wait.until(lambda _: rows[-2].text)
    assert rows[-2].text.split()[-2] in tip


def test_a_customer_is_suspended_found_and_resumed(
    board: Crowded, driver: WebDriver, look: Look
) -> None:
    size(driver, WIDTHS["desk"])
    driver.get(f"{board.home}/customers?order=name")
    driver.find_element("css selector", "#found tbody a").click()
    path = driver.current_url.removeprefix(board.url)
    name = driver.find_element("css selector", "h1").text
    wait = patience(driver)
    for act, said in (("suspend", "they are refused"), ("resume", "let in again")):
        driver.find_element("css selector", f"form[action$='/{act}'] button").click()
        if act == "suspend":
            wait.until(expected_conditions.alert_is_present()).accept()
        wait.until(expected_conditions.text_to_be_present_in_element(("tag name", "body"), said))
        for scheme, (width, wide) in product(("light", "dark"), WIDTHS.items()):
            assert look(path, scheme, wide, f"customer-{act}-{scheme}-{width}") == []
        size(driver, WIDTHS["desk"])
        driver.get(f"{board.home}/customers?status=suspended")
        found = [each.text for each in driver.find_elements("css selector", "#found tbody a")]
        assert found == ([name] if act == "suspend" else [])
        driver.get(board.url + path)


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_signs_up_makes_a_project_and_goes_live(
    board: Crowded, browsers: Open, keep: Keep, *, scripts: bool
) -> None:
    driver = browsers(scripts=scripts)
    email = f"dev-{scripts}@example.com".lower()
    signed_up(driver, board, email)
    driver.find_element("id", "name").send_keys("Weather")
    leave(driver, driver.find_element("css selector", "main form button"))
    key = driver.find_element("id", "secret-key").text
    assert key.startswith("sk_test_")
    keep(driver, f"made-{scripts}")
    leave(driver, driver.find_element("link text", "Go on"))
    assert len(driver.find_elements("css selector", ".step.done")) == 1
    answer = httpx.post(
        f"{board.url}/api/tiers",
        json={"name": "free", "limit": 10},
        headers={"authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    )
    assert answer.status_code == 201
    if not scripts:
        driver.refresh()
    wait = patience(driver)
    wait.until(lambda each: len(each.find_elements("css selector", ".step.done")) == 2)
    # With scripts the steps are drawn again as they are done, maybe under the finger.
    wait.until(promote)
    wait.until(lambda each: "live project is ready" in text(each))
    assert driver.find_element("id", "secret-key").text.startswith("sk_live_")
    driver.get(f"{board.url}/dashboard")
    driver.find_element("css selector", ".switcher summary").click()
    modes = driver.find_elements("css selector", ".switcher li .mode")
    wait.until(lambda _: [each.text for each in modes] == ["test", "live"])
    driver.find_element("css selector", ".account summary").click()
    leave(driver, driver.find_element("css selector", ".account button"))
    assert "You are signed out" in text(driver)
    assert complaints(driver) == []


def signed_up(driver: WebDriver, board: Crowded, email: str) -> None:
    """Sign somebody up, from the dashboard's first page to the one that asks for a project."""
    driver.get(f"{board.url}/dashboard")
    leave(driver, driver.find_element("css selector", "a.quiet"))
    fill(driver, email=email, new_password=PASSWORD)
    driver.get(newest_link(board.log, f"to {email}, Confirm"))
    fill(driver, password=PASSWORD)
    assert "What is your API called?" in text(driver)


def promote(driver: WebDriver) -> bool:
    """Press the button that takes the project live."""
    driver.find_element("css selector", "form[action$='/promote'] button").click()
    return True
