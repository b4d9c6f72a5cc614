"""Every page with hostile texts in every field that somebody can fill: none of them becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tests.dashboard.test_access import pages
from tests.dashboard.test_customers import send_to

from dream_gateway.model import Allowance, AllowanceKind, Customer, Interval, KeyKind, Product, Tier
from dream_gateway.payments import Account
from dream_gateway.records import (
    credentials,
    customers,
    orders,
    products,
    projects,
    tiers,
    webhook_endpoints,
)
from dream_gateway.records.orders import Draft, OrderLine

if TYPE_CHECKING:
    from tests.dashboard.conftest import Board

HOSTILE = (
    "<script>evil()</script>",
    '"><img src=x onerror=evil()>',
    "' onfocus='evil()' autofocus='",
    "</textarea><svg onload=evil()>",
    "{{ 7 * 191 }}{% raw %}",
    "javascript:evil()",
    "&lt;b&gt;&#60;i&#62;",
)
ALL = "".join(HOSTILE)
SMALL = ALL[:200]
LINKS = ("href", "src", "action", "formaction")
ELEMENTS = frozenset({"script", "iframe", "object", "embed", "base", "style", "b", "i"})
"""Of which there are none on a page but its own script, and `b`, which some pages have."""

FORMS = ("customers/new", "tiers/new", "products/new", "webhooks", "team", "appearance", "keys/new")


class Reader(HTMLParser):
    """Notes what must not be in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        own = tag == "script" and (values.get("src") or "").startswith("/dashboard/static/app.js")
        if tag in ELEMENTS - {"b"} and not own:
            self.wrong.append(tag)
        if tag == "img" and values.get("src") == "x":
            self.wrong.append("img")
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.wrong.append(f"{tag} {name}")
            if name in LINKS and (value or "").strip().lower().startswith(("javascript:", "data:")):
                self.wrong.append(f"{tag} {name} {value}")

    handle_startendtag = handle_starttag


def wrong_in(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    return reader.wrong + (["a template was run"] if "1337" in page else [])


async def fill(board: Board, project: str) -> tuple[Customer, str, str]:
    """Put hostile texts wherever the records can hold one; return a customer and ids of two keys."""
    quota = Allowance(AllowanceKind.QUOTA, 10, Interval.MONTH)
    async with board.gateway.records.write(ALL) as writer:
        tier = Tier(ALL, (quota,), display_name=ALL, currency="usd", features=HOSTILE, price=1)
        await tiers.put(writer, project, tier)
        await tiers.put(writer, project, replace(tier, name="evil<i>"))
        customer = Customer(
            "cus_hostile", project, ALL, ALL, writer.now, writer.now, ALL, ALL, ALL, {ALL: ALL}
        )
        await customers.add(writer, customer)
        key = credentials.template(project, KeyKind.CUSTOMER, writer.now)
        key = replace(key, customer_id=customer.id, name=ALL, scopes=HOSTILE)
        mode = (await projects.find(writer.connection, project)).mode  # type: ignore[union-attr]
        made, _ = await credentials.mint(writer, mode, key)
        own = replace(key, kind=KeyKind.SECRET, customer_id=None)
        own, _ = await credentials.mint(writer, mode, own)
        product = Product("prod_hostile", project, ALL, 1, "usd", writer.now, ALL, ALL, ALL)
        await products.add(writer, replace(product, features=HOSTILE))
        line = OrderLine(product.id, ALL, 1, 1)
        account = Account("acct_1", live=False)
        due = writer.now + 60
        await orders.place(writer, Draft(project, account, "usd", (line,), None, ALL, due, due))
        endpoint = webhook_endpoints.Endpoint(
            "whe_hostile", project, ALL, b"sealed", writer.now, ALL, HOSTILE, fault=ALL
        )
        await webhook_endpoints.add(writer, endpoint)
    return customer, made.id, own.id


async def test_no_page_has_markup_of_somebody_else(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada, SMALL)
    customer, key, own = await fill(board, project)
    names = {"project": project, "customer": customer.id, "product": "prod_hostile"}
    names["tier"] = quote("evil<i>", safe="")
    asked = "?" + urlencode(dict.fromkeys(("q", "plan", "status", "kind", "actor", "span"), ALL))
    seen = 0
    for page in pages():
        if page.method != "GET" or not page.of_project or page.path.endswith((".csv", "/live")):
            continue
        names["key"] = key if "{customer}" in page.path else own
        for query in ("", asked):
            answer = await ada.open(page.path.format_map(names) + query)
            assert answer.status_code == 200, (page.path, answer.text)
            assert wrong_in(answer.text) == [], page.path
            seen += 1
    assert seen > 40


async def test_what_was_entered_and_refused_is_shown_inert(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    home = f"/dashboard/{project}"
    long = ALL * 3
    for page in FORMS:
        await ada.open(f"{home}/{page}")
        names = re.findall(r'<(?:input|textarea|select) id="([\w-]+)" name="([\w-]+)"', ada.shown)
        assert await send_to(ada, f"/{page}", {name: long for _, name in names}) == 422, page
        assert wrong_in(ada.shown) == [], page
        assert "evil()" in ada.shown
