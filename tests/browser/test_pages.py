"""`/auth/{publishableKey}/...` in Chromium: with and without scripts, in light and dark, on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.support.wait import WebDriverWait
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement
    from tests.browser.conftest import Open, World

    Keep = Callable[[WebDriver, str], None]

PASSWORD = "correct horse battery"
PHONE, DESK = (360, 740), (1100, 860)


def fill(driver: WebDriver, **values: str) -> None:
    """Fill in the form's fields, and send it by its button."""
    for name, value in values.items():
        box = driver.find_element("id", name.replace("_", "-"))
        box.clear()
        box.send_keys(value)
    press(driver)


def press(driver: WebDriver, number: int = 0) -> None:
    """Press a form's button, and wait for the page that it leads to."""
    leave(driver, driver.find_elements("css selector", "form button")[number])


def leave(driver: WebDriver, button: WebElement, *, asks: bool = False) -> None:
    """Press what leads to another page, say yes if it asks, and wait until that page is there."""
    before = driver.find_element("css selector", "html")
    button.click()
    wait = patience(driver)
    if asks:
        wait.until(lambda each: each.switch_to.alert).accept()
    wait.until(lambda _: has_left(before))
    # A page of ours has a part of its own, the developer's site what it says.
    wait.until(lambda each: each.find_element("css selector", "main > :last-child, #said"))
    wait.until(lambda each: measure(each, "document.readyState") == "complete")


def patience(driver: WebDriver) -> WebDriverWait[WebDriver]:
    """Return what waits, also while one page takes the place of another."""
    return WebDriverWait(driver, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])


def has_focus(driver: WebDriver, element_id: str) -> bool:
    """Wait until an element has the focus, which comes to it after the page is there."""
    focus = "document.activeElement.id"
    return bool(patience(driver).until(lambda each: measure(each, focus) == element_id))


def has_left(page: WebElement) -> bool:
    """Tell whether a page's root is no longer the browser's document."""
    try:
        page.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as exc:
        # Said instead, by the driver that asks in the very moment of the change.
        return "does not belong to the document" in (exc.msg or "")
    return False


def text(driver: WebDriver) -> str:
    return driver.find_element("css selector", "body").text


def size(driver: WebDriver, wide: tuple[int, int], scheme: str = "light") -> None:
    """Set what the page sees: its width and height, and which colours are preferred."""
    metrics = {"width": wide[0], "height": wide[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def complaints(driver: WebDriver) -> list[Any]:
    """Return what the console holds against a page's policy."""
    entries: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry for entry in entries if "Content Security Policy" in entry["message"]]


def sign_up(driver: WebDriver, world: World, email: str, **query: str) -> None:
    driver.get(f"{world.path}/sign-up?{urlencode(query)}")
    fill(driver, email=email, new_password=PASSWORD, first_name="Ada")
    assert "Look into your inbox" in text(driver)
    driver.get(world.link(f"to {email}, Confirm"))
    fill(driver, password=PASSWORD)


def test_without_scripts_somebody_signs_up_and_comes_back_to_the_developers_site(
    world: World, browsers: Open
) -> None:
    driver = browsers(scripts=False)
    back = f"{world.site}/callback"
    sign_up(driver, world, "ada@example.com", redirect_url=back, state="s1")
    assert text(driver) == "welcome ada@example.com"
    assert driver.current_url.startswith(f"{back}?code=")
    assert world.answers[-1]["state"] == ["s1"]
    assert world.answers[-1]["token"].startswith("eyJ")
    # Signed in already, so that the page sends on at once.
    driver.get(f"{world.path}/sign-in?{urlencode({'redirect_url': back})}")
    assert text(driver) == "welcome ada@example.com"

    driver.get(f"{world.path}/account")
    assert "ada@example.com" in text(driver)
    fill(driver, password=PASSWORD, new_password="a newer password")
    assert "Your password is changed" in text(driver)
    press(driver, 1)
    assert driver.current_url == f"{world.path}/sign-in"
    driver.get(f"{world.path}/account")
    assert driver.current_url == f"{world.path}/sign-in"
    fill(driver, email="ada@example.com", password=PASSWORD)
    assert "do not fit together" in text(driver)
    driver.get(f"{world.path}/reset")
    fill(driver, email="ada@example.com")
    driver.get(world.link("to ada@example.com, Choose a new password"))
    fill(driver, new_password="the third password")
    assert "Your password is set" in text(driver)
    fill(driver, email="ada@example.com", password="the third password")
    assert "Your account" in text(driver)
    assert complaints(driver) == []


def test_a_page_of_an_allowed_origin_fetches_the_token_and_no_other_does(
    world: World, browsers: Open
) -> None:
    driver = browsers()
    sign_up(driver, world, "bob@example.com")
    assert driver.current_url == f"{world.path}/account"
    ask = """
        const done = arguments[arguments.length - 1];
        fetch(arguments[0], {method: "POST", credentials: "include"})
          .then(answer => answer.json()).then(done, error => done(String(error)));
    """
    driver.get(world.site)
    found = driver.execute_async_script(ask, f"{world.path}/token")
    assert found["email"] == "bob@example.com"
    assert found["token"].startswith("eyJ")
    driver.get(world.site.replace("127.0.0.1", "localhost"))
    refused = driver.execute_async_script(ask, f"{world.path}/token")
    assert refused == "TypeError: Failed to fetch"


@pytest.fixture(scope="module")
def driver(world: World, browsers: Open) -> WebDriver:
    """A browser whose user is signed in."""
    made = browsers()
    sign_up(made, world, "grace@example.com")
    return made


PAGES = ("sign-in", "sign-up", "reset", "account")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_and_are_readable_in_both_schemes(
    world: World, driver: WebDriver, keep: Keep, page: str, scheme: str
) -> None:
    if page == "account":
        sign_in(driver, world)
    else:
        driver.delete_all_cookies()
    for name, wide in (("desk", DESK), ("phone", PHONE), ("narrow", (320, 640))):
        size(driver, wide, scheme)
        driver.get(f"{world.path}/{page}")
        assert driver.current_url == f"{world.path}/{page}"
        keep(driver, f"{page}-{scheme}-{name}")
        assert measure(driver, "document.documentElement.scrollWidth") <= wide[0]
    assert contrast(driver, "h1") >= 4.5
    assert contrast(driver, "button") >= 4.5
    assert contrast(driver, "label") >= 4.5
    assert complaints(driver) == []


def test_a_fault_is_beside_its_field_which_has_the_focus(
    world: World, driver: WebDriver, keep: Keep
) -> None:
    driver.delete_all_cookies()
    for scheme in ("light", "dark"):
        size(driver, DESK, scheme)
        driver.get(f"{world.path}/sign-up")
        assert has_focus(driver, "email")
        fill(driver, email="someone@example.com", new_password="short")
        keep(driver, f"fault-{scheme}")
        assert driver.title.startswith("Error: ")
        assert has_focus(driver, "new-password")
        described = measure(driver, "document.activeElement.getAttribute('aria-describedby')")
        texts = [driver.find_element("id", each).text for each in described.split()]
        assert "at least 10 characters" in " ".join(texts)
        assert contrast(driver, ".error") >= 4.5
        assert driver.find_element("id", "email").get_attribute("value") == "someone@example.com"


def test_every_field_has_a_label_and_everything_is_reached_by_keyboard(
    world: World, driver: WebDriver
) -> None:
    driver.delete_all_cookies()
    for page in ("sign-in", "sign-up", "reset"):
        driver.get(f"{world.path}/{page}")
        bare = measure(
            driver,
            "[...document.querySelectorAll('input:not([type=hidden])')]"
            ".filter(each => !each.labels.length).length",
        )
        assert bare == 0
        reached = set()
        for _ in range(8):
            driver.switch_to.active_element.send_keys("\ue004")
            reached.add(measure(driver, "document.activeElement.tagName"))
            outline = measure(driver, "getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or measure(driver, "document.activeElement.tagName") == "BODY"
        assert {"INPUT", "BUTTON", "A"} <= reached


def test_pictures_of_the_other_pages(world: World, driver: WebDriver, keep: Keep) -> None:
    """Look at what no other test shows: the mail's page, what is over, and what is refused."""
    driver.delete_all_cookies()
    for scheme in ("light", "dark"):
        size(driver, DESK, scheme)
        driver.get(f"{world.path}/sign-up")
        fill(driver, email=f"{scheme}@example.com", new_password=PASSWORD)
        keep(driver, f"inbox-{scheme}")
        driver.get(world.link(f"to {scheme}@example.com, Confirm"))
        keep(driver, f"confirm-{scheme}")
        assert "is confirmed" in text(driver)
        driver.get(f"{world.path}/sign-in?redirect_url=https://evil.example.net/")
        keep(driver, f"refused-{scheme}")
        assert "does not send anybody" in text(driver)
        driver.get(f"{world.gateway}/auth/platform/sign-in")
        keep(driver, f"platform-{scheme}")
        assert "Sign in" in text(driver)


def sign_in(driver: WebDriver, world: World) -> None:
    driver.get(f"{world.path}/sign-in")
    if driver.current_url.endswith("/sign-in"):
        fill(driver, email="grace@example.com", password=PASSWORD)


def measure(driver: WebDriver, expression: str) -> Any:
    return driver.execute_script(f"return {expression}")


def contrast(driver: WebDriver, selector: str) -> float:
    """Return the contrast (WCAG 2) of an element's text with what is behind it."""
    script = """
        const element = document.querySelector(arguments[0]);
        const parse = text => text.match(/[\\d.]+/g).map(Number);
        let behind = element;
        while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
          .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const [a, b] = [light(parse(getComputedStyle(element).color)),
                        light(parse(getComputedStyle(behind).backgroundColor))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    """
    return float(driver.execute_script(script, selector))
