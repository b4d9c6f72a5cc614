"""Every action of every page of `/dashboard` and `/operator`, done in Chromium by a new developer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.webdriver.support.select import Select
from tests.browser.crowded import OPERATOR
from tests.browser.test_dashboard import faults, signed_up
from tests.browser.test_pages import complaints, leave, patience, text
from tests.dashboard.test_access import pages
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement
    from tests.browser.conftest import Open
    from tests.browser.crowded import Crowded

EMAIL = "walker@example.com"


@dataclass
class Walk:
    """Somebody's browser, and the addresses that its forms were sent to."""

    board: Crowded
    driver: WebDriver
    axe: str
    home: str = ""
    sent: set[str] = field(default_factory=set)

    def open(self, path: str) -> None:
        """Open a page of the project."""
        self.driver.get(self.board.url + self.home + path)

    def follow(self, label: str) -> None:
        """Go where a link leads that says something."""
        leave(self.driver, self.driver.find_element("partial link text", label))

    def see(self, wanted: str) -> None:
        """Wait until the page says something."""
        patience(self.driver).until(lambda each: wanted in text(each))

    def send(self, ending: str, said: str = "", about: str = "", **values: str) -> None:
        """Fill in the form whose address ends so, and send it; say yes where one is asked.

        Of several, the last is meant that is about something.
        """
        to = f"[action$='{ending}']" if ending else ""
        forms = self.driver.find_elements("css selector", f"form[method=post]{to}")
        form = [each for each in forms if about in (each.get_attribute("textContent") or "")][-1]
        for name, value in values.items():
            enter(form.find_element("name", name.replace("_", "-")), value)
        self.sent.add(urlsplit(form.get_attribute("action") or "").path)
        asks = bool(form.get_attribute("data-confirms"))
        leave(self.driver, form.find_element("css selector", "button[type=submit]"), asks=asks)
        if said:
            self.see(said)

    def examine(self) -> None:
        """Have axe look at a page that only comes of a form."""
        assert faults(self.driver, self.axe) == []

    def secret(self) -> str:
        """Return what is shown this once, and go on."""
        patience(self.driver).until(lambda each: each.find_element("id", "secret").is_displayed())
        shown = self.driver.find_element("id", "secret").text
        self.follow("Go on")
        return shown


def enter(box: WebElement, value: str) -> None:
    """Write into a field, or choose from it."""
    if box.tag_name == "select":
        Select(box).select_by_value(value)
    elif box.get_attribute("type") == "checkbox":
        box.click()
    else:
        box.clear()
        box.send_keys(value)


@pytest.fixture
def walk(board: Crowded, browsers: Open, axe: str) -> Walk:
    """A new developer, who has made a test project."""
    driver = browsers()
    signed_up(driver, board, EMAIL)
    made = Walk(board, driver, axe)
    made.send("/dashboard/new", "Keep the secret key now", name="Weather")
    made.examine()
    made.follow("Go on")
    made.home = urlsplit(driver.current_url).path.removesuffix("/start")
    return made


def sell_tiers(walk: Walk) -> None:
    walk.open("/tiers/new")
    walk.send("/tiers/new", "Please check what is marked below.", name="free", limit="many")
    walk.examine()
    for name in ("free", "pro", "gone"):
        walk.open("/tiers/new")
        walk.send("/tiers/new", "Created.", name=name, limit="100", rateLimit="5", popular="1")
    walk.follow("gone")
    walk.send("/edit/gone", "Saved.", displayName="Not for long", price="19.99")
    walk.follow("Not for long")
    walk.send("/edit/gone/delete", "Deleted.")


def sell_products(walk: Walk) -> None:
    walk.open("/products/new")
    walk.send("/products/new", "Created.", name="mug", price="12", inventory="3", features="Blue")
    walk.follow("mug")
    walk.send("", "Saved.", about="Name for people", soldOut="1")
    walk.follow("mug")
    walk.send("/delete", "Deleted.")


def have_a_customer(walk: Walk) -> None:
    walk.open("/customers/new")
    walk.send("/customers/new", "Created.", email="ada@example.com", externalId="ada", plan="free")
    walk.open("/customers")
    walk.driver.find_element("id", "q").send_keys("nobody")
    walk.see("Nobody is like that.")
    walk.open("/customers?q=ada&order=usage")
    walk.follow("ada")
    walk.send("", "Saved.", about="First name", firstName="Ada", plan="pro")
    walk.follow("New key")
    walk.send("/keys/new", name="ci", scopes="read", rateLimit="2", allowedIps="127.0.0.0/8")
    assert walk.secret().startswith("ak_test_")
    walk.follow("Rotate")
    walk.send("", about="The old secret", graceSeconds="3600")
    assert walk.secret().startswith("ak_test_")
    walk.send("/disable", "it is refused until it is enabled")
    walk.send("/enable", "Enabled.")
    walk.send("/revoke", "Revoked")
    walk.send("/suspend", "The customer is suspended")
    walk.send("/resume", "The customer is let in again")
    walk.send("/delete", "Deleted.")
    walk.open("/customers")
    cookies = {each["name"]: each["value"] for each in walk.driver.get_cookies()}
    link = walk.driver.find_element("partial link text", "Export").get_attribute("href")
    answer = httpx.get(str(link), cookies=cookies, trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.text.startswith("id,external_id,")


def have_keys(walk: Walk) -> None:
    walk.open("/keys/new")
    walk.send("/keys/new", name="back end")
    walk.examine()
    assert walk.secret().startswith("sk_test_")
    walk.follow("Rotate")
    walk.send("", about="The old secret", graceSeconds="0")
    walk.secret()
    walk.send("/revoke", "Revoked")


def be_told(walk: Walk) -> None:
    walk.open("/webhooks")
    walk.send("/webhooks", url="https://hooks.example.com/in", description="ours")
    assert walk.secret().startswith("whsec_")
    walk.send("/test", "On its way.")
    walk.send("/replay", "On its way.", about="Send what was missed")
    walk.send("/rotate")
    assert walk.secret().startswith("whsec_")
    walk.send("/disable", "nothing is sent there")
    walk.send("/enable", "Enabled.")
    walk.send("/delete", "Deleted.")


def have_a_team(walk: Walk) -> None:
    walk.open("/team")
    walk.send("/team", "They are in as soon as", email="grace@example.com", role="member")
    invited = walk.driver.find_element("xpath", "//tr[contains(., 'grace@')]//form")
    mine = (invited.get_attribute("action") or "").rpartition("/")[2]
    walk.send(f"/team/{mine}", "Saved.", role_of="admin")
    walk.send(f"/team/{mine}/remove", "no longer on the platform")
    walk.send("/team/name", "Saved.", name="Walkers")


def look_well(walk: Walk) -> None:
    walk.open("/appearance")
    walk.send("/appearance", "Saved.", displayName="Weather", origins="https://app.example.com")
    walk.open("/audit?kind=tier")
    walk.see("tier.delete")


def be_paid(walk: Walk) -> None:
    walk.open("/payments")
    walk.send("/onboard", "Go on at the payment provider")
    walk.examine()
    walk.open("/payments")
    walk.send("/disconnect", "The account is disconnected.")
    walk.send("/connect", "Go on at the payment provider")
    walk.follow("Go on")
    leave(walk.driver, walk.driver.find_element("id", "allow"))
    walk.see("Takes money")
    walk.send("/refresh", "Saved.")


def pay(walk: Walk) -> None:
    walk.open("/plan")
    walk.see("not paid yet")
    walk.send("/subscribe", "Go on at the payment provider")
    walk.follow("Go on")
    leave(walk.driver, walk.driver.find_element("id", "pay"))
    assert walk.driver.current_url == f"{walk.board.url}{walk.home}/plan"

    def is_paid(driver: WebDriver) -> bool:
        walk.open("/plan")
        return bool(driver.find_elements("css selector", "form[action$='/portal']"))

    # That it is paid is told by the provider, a moment later.
    patience(walk.driver).until(is_paid)
    walk.send("/portal", "Go on at the payment provider")
    walk.follow("Go on")


def go_live(walk: Walk) -> None:
    walk.open("/start")
    walk.send("/promote", "live project is ready")


def be_watched(walk: Walk) -> None:
    path = urlsplit(walk.home).path
    walk.home = ""
    walk.open("/operator/sign-in")
    walk.send("/operator/sign-in", "Everything here", operator_token=OPERATOR)
    walk.send("/suspend", "its keys are refused", about="Walkers")
    walk.open(path)
    walk.see("This platform is suspended")
    walk.open("/operator")
    walk.send("/resume", "keys work again", about="Walkers")
    walk.send("/operator/sign-out", "You are signed out.")


def sign_out(walk: Walk) -> None:
    walk.open("/dashboard")
    walk.driver.find_element("css selector", ".account summary").click()
    walk.send("/dashboard/sign-out", "You are signed out.")


ELSEWHERE = {"/dashboard/{project}/webhooks/received/replay"}
"""Done without a browser: an event fails for good only after eight tries, ever later."""

STEPS = (
    *(sell_tiers, sell_products, have_a_customer, have_keys, be_told, have_a_team, look_well),
    *(be_paid, pay, go_live, be_watched, sign_out),
)


@pytest.mark.timeout(600)
def test_every_action_of_every_page_is_done(walk: Walk) -> None:
    for step in STEPS:
        step(walk)
        assert complaints(walk.driver) == [], step
    left_out = {
        page.path
        for page in pages()
        if page.method == "POST" and not any(page.pattern.fullmatch(path) for path in walk.sent)
    }
    assert left_out == ELSEWHERE
