"""`/dashboard/{project}/customers`: finding, one customer's page, their keys, and what changes them."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html import unescape
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, listened

from dream_gateway.dashboard import customers as pages_of_customers
from dream_gateway.demo.crowd import Crowd, populate
from dream_gateway.model import KeyKind, KeyStatus, Mode
from dream_gateway.records import credentials, customer_search, customers
from dream_gateway.records.customer_search import Order, Wanted

if TYPE_CHECKING:
    from tests.local.conftest import Browser

    from dream_gateway.model import Credential, Customer

SMALL = Crowd(customers=120, days=40, events=10, orders=5)
MOST_BYTES = 100_000
MOST_QUERIES = 12
Crowded = tuple[Board, "Browser", str]


@pytest.fixture
async def crowded(anywhere: Board) -> Crowded:
    ada = await anywhere.developer()
    project = await anywhere.project(ada)
    ledger = anywhere.gateway.stores.ledger()
    await populate(anywhere.gateway.records, ledger, project, SMALL)
    return anywhere, ada, f"/dashboard/{project}"


@pytest.fixture
async def one(board: Board) -> tuple[Crowded, Customer]:
    """A project with one customer, made as its developer makes one."""
    ada = await board.developer()
    project = await board.project(ada)
    await board.offer(project)
    home = f"/dashboard/{project}"
    await ada.open(f"{home}/customers/new")
    answer = await ada.send({"email": "user@example.com", "externalId": "user-1"}, form=1)
    assert answer.status_code == 303, answer.text
    return (board, ada, home), await only(board, project)


async def only(board: Board, project: str) -> Customer:
    async with board.gateway.records.read() as connection:
        (found,) = await customers.page(connection, project, None, None)
    return found


def shown(text: str) -> list[str]:
    return re.findall(r"/customers/cus_\w+\">([^<]+)</a>", text)


async def test_the_list_is_paged_sorted_and_made_by_few_queries(crowded: Crowded) -> None:
    board, ada, home = crowded
    said = listened(board)
    answer = await ada.open(f"{home}/customers")
    assert answer.status_code == 200
    assert len([each for each in said if each.startswith("SELECT")]) <= MOST_QUERIES
    assert len(answer.content) < MOST_BYTES
    assert 'style="' not in answer.text
    assert shown(answer.text) == [f"user-{119 - at:05}" for at in range(50)]
    assert "1 to 50 of 120" in answer.text
    answer = await ada.open(f"{home}/customers?page=3&order=name")
    assert shown(answer.text) == [f"user-{at:05}" for at in range(100, 120)]
    answer = await ada.open(f"{home}/customers?order=usage")
    used = [
        int(each.replace(",", "")) for each in re.findall(r'<td class="n">([\d,]+)<', answer.text)
    ]
    assert len(used) == 50
    assert used[0] > 0


FOUND = {
    "q=USER-0001": 10,
    "q=user-00017%40example": 1,
    "q=%25": 0,
    "plan=pro": 6,
    "q=user-0001&plan=pro": 1,
    "status=none": 84,
}


async def test_customers_are_found_and_come_as_csv(crowded: Crowded) -> None:
    _, ada, home = crowded
    for query, number in FOUND.items():
        answer = await ada.open(f"{home}/customers?{query}")
        assert len(shown(answer.text)) == min(50, number), query
        assert (f"of {number}" in answer.text) is bool(number)
    part = await ada.client.get(f"{home}/customers?{query}", headers={"x-part": "found"})
    assert part.text.strip().startswith("<section")
    assert shown(part.text) == shown(answer.text)
    for status in ("active", "trialing", "past_due", "canceled", "cancelling"):
        answer = await ada.open(f"{home}/customers?status={status}")
        for row in re.findall(r'<tr>\s*<th scope="row".*?</tr>', answer.text, re.DOTALL):
            said = "Ends" if status == "cancelling" else f">{status.replace('_', ' ')}<"
            assert said in row
    answer = await ada.client.get(f"{home}/customers.csv?plan=starter")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "customers.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert {row["plan"] for row in rows} == {"starter"}
    listed = await ada.open(f"{home}/customers?plan=starter")
    assert {row["external_id"] for row in rows} == set(shown(listed.text))


@pytest.mark.parametrize("order", list(Order))
async def test_the_csv_is_read_piece_by_piece_and_has_everybody_once_in_order(
    crowded: Crowded, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    board, ada, home = crowded
    monkeypatch.setattr(pages_of_customers, "EXPORTED_AT_ONCE", 50)
    said = listened(board)
    answer = await ada.client.get(f"{home}/customers.csv?order={order}")
    assert len([each for each in said if "sorted_by" in each]) == 3
    assert "content-length" not in answer.headers
    rows = [row["external_id"] for row in csv.DictReader(StringIO(answer.text))]
    listed = []
    for at in (1, 2, 3):
        listed += shown((await ada.open(f"{home}/customers?order={order}&page={at}")).text)
    assert rows == listed
    assert len(set(rows)) == SMALL.customers


async def test_whoever_comes_meanwhile_has_nobody_passed_over(crowded: Crowded) -> None:
    board, ada, home = crowded
    project, now = home.rpartition("/")[2], board.world.clock.now()
    async with board.gateway.records.read() as connection:
        first = await customer_search.following(
            connection, project, Wanted(), now, after=None, limit=60
        )
    await ada.open(f"{home}/customers/new")
    assert await send_to(ada, "/customers/new", {"email": "new@example.com"}) == 303
    async with board.gateway.records.read() as connection:
        rest = await customer_search.following(
            connection, project, Wanted(), now, after=first[-1][1], limit=1_000
        )
    assert len({customer.id for customer, _ in [*first, *rest]}) == SMALL.customers
    assert len(rest) == SMALL.customers - 60


async def test_keys_are_paged_newest_first(one: tuple[Crowded, Customer]) -> None:
    (board, ada, home), customer = one
    page = f"{home}/customers/{customer.id}"
    for path, kind, names in (
        (page, KeyKind.CUSTOMER, [f"of-them-{at:02}" for at in range(45)]),
        (f"{home}/keys", KeyKind.SECRET, [f"of-ours-{at:02}" for at in range(110)]),
    ):
        async with board.gateway.records.write("test") as writer:
            blank = credentials.template(customer.project_id, kind, writer.now)
            if kind is KeyKind.CUSTOMER:
                blank = replace(blank, customer_id=customer.id)
            for name in names:
                await credentials.mint(writer, Mode.TEST, replace(blank, name=name))
        seen, at = [], path
        for _ in range(3):
            text = (await ada.open(at)).text
            seen += re.findall(r"<td>(of-\w+-\d+)</td>", text)
            after = re.findall(r'href="([^"]+)">Next</a>', text)
            at = unescape(after[0]).partition("#")[0] if after else ""
        assert at == ""
        assert seen == names[::-1]
        assert "Newest" in text


async def test_no_cell_of_the_csv_is_a_formula(one: tuple[Crowded, Customer]) -> None:
    (board, ada, home), customer = one
    await ada.open(f"{home}/customers/{customer.id}")
    await send_to(ada, f"/customers/{customer.id}", {"firstName": "=HYPERLINK(1)"})
    answer = await ada.client.get(f"{home}/customers.csv")
    (row,) = csv.DictReader(StringIO(answer.text))
    assert row["first_name"] == "'=HYPERLINK(1)"
    assert (await only(board, customer.project_id)).first_name == "=HYPERLINK(1)"


async def test_one_customers_page(crowded: Crowded) -> None:
    board, ada, home = crowded
    await ada.open(f"{home}/customers?plan=pro")
    (path, *_) = re.findall(r'href="([^"]+/customers/cus_\w+)"', ada.shown)
    said = listened(board)
    answer = await ada.open(path)
    assert answer.status_code == 200
    assert len([each for each in said if each.startswith("SELECT")]) <= MOST_QUERIES
    assert len(answer.content) < MOST_BYTES
    assert answer.text.count('<svg class="plot"') == 1
    assert "ak_test_" in answer.text
    assert (await ada.open(f"{home}/customers/cus_none")).status_code == 404


async def test_a_customer_is_changed_and_deleted(one: tuple[Crowded, Customer]) -> None:
    (board, ada, home), customer = one
    path = f"/customers/{customer.id}"
    await ada.open(home + path)
    answer = await send_to(ada, path, {"email": "no address", "plan": "free"})
    assert answer == 422
    assert 'id="email-error"' in ada.shown
    assert 'value="no address"' in ada.shown
    assert await send_to(ada, path, {"email": "", "lastName": "Lovelace", "plan": "free"}) == 303
    changed = await only(board, customer.project_id)
    assert (changed.email, changed.last_name) == (None, "Lovelace")
    await ada.open(home + path)
    assert await send_to(ada, f"{path}/delete", {}) == 303
    assert (await ada.open(home + path)).status_code == 404
    assert (await board.gateway_audit())[0] == "customer.delete"


async def test_a_customer_is_suspended_found_by_it_and_resumed(
    one: tuple[Crowded, Customer],
) -> None:
    (board, ada, home), customer = one
    path = f"/customers/{customer.id}"
    for act, suspended in (("suspend", True), ("resume", False)):
        await ada.open(home + path)
        assert ("They are refused until" in ada.shown, f"{act.capitalize()}</h2>" in ada.shown) == (
            True,
            True,
        )
        assert await send_to(ada, f"{path}/{act}", {}) == 303
        assert (await only(board, customer.project_id)).suspended is suspended
        listed = await ada.open(f"{home}/customers?status=suspended")
        assert shown(listed.text) == (["user-1"] if suspended else [])
        listed = await ada.open(f"{home}/customers")
        assert ('<span class="tag bad">suspended</span>' in listed.text) is suspended
        answer = await ada.client.get(f"{home}/customers.csv")
        (row,) = csv.DictReader(StringIO(answer.text))
        assert row["suspended"] == ("yes" if suspended else "no")
    assert (await board.gateway_audit())[:2] == ["customer.resume", "customer.suspend"]


async def test_a_key_is_made_once_rotated_disabled_and_revoked(
    one: tuple[Crowded, Customer],
) -> None:
    (board, ada, home), customer = one
    path = f"/customers/{customer.id}"
    await ada.open(f"{home}{path}/keys/new")
    form = ada.shown
    assert await send_to(ada, "/keys/new", {"expiresAt": "soon", "allowedIps": "x"}) == 422
    assert 'id="expiresAt-error"' in ada.shown
    ada.shown = form
    values = {"name": "laptop", "scopes": "read write", "rateLimit": "5"}
    assert await send_to(ada, "/keys/new", values) == 201
    assert ada.shown.count("ak_test_") == 1
    ada.shown = form
    assert await send_to(ada, "/keys/new", values) == 201
    assert "ak_test_" not in ada.shown
    (key,) = await keys_of(board, customer)
    assert (key.name, key.scopes) == ("laptop", ("read", "write"))
    await ada.open(home + path)
    for act, status in (("disable", KeyStatus.DISABLED), ("enable", KeyStatus.ACTIVE)):
        assert await send_to(ada, f"/{key.id}/{act}", {}) == 303
        assert (await keys_of(board, customer))[0].status is status
        await ada.open(home + path)
    await ada.open(f"{home}{path}/keys/{key.id}")
    assert await send_to(ada, f"/keys/{key.id}", {"graceSeconds": "3600"}) == 201
    assert "ak_test_" in ada.shown
    old, new = await keys_of(board, customer)
    assert old.expires_at == board.world.clock.now() + 3600
    await ada.open(home + path)
    assert await send_to(ada, f"/{new.id}/revoke", {}) == 303
    assert (await keys_of(board, customer))[1].status is KeyStatus.REVOKED


async def test_both_lists_of_keys_tell_the_last_use(one: tuple[Crowded, Customer]) -> None:
    (board, ada, home), customer = one
    page = f"{home}/customers/{customer.id}"
    await ada.open(f"{page}/keys/new")
    await send_to(ada, "/keys/new", {})
    (key,) = await keys_of(board, customer)
    async with board.gateway.records.read() as connection:
        kinds = [KeyKind.SECRET]
        (own,) = await credentials.of_project(connection, customer.project_id, kinds, None, None)
    async with board.gateway.records.write("test") as writer:
        await credentials.used(writer, {key.id: 86_400.0, own.id: 2 * 86_400.0})
    for path, day in ((page, "1970-01-02"), (f"{home}/keys", "1970-01-03")):
        answer = await ada.open(path)
        assert 'scope="col">Last used<' in answer.text
        assert answer.text.count(f'<time datetime="{day}') == 1


async def test_a_key_of_somebody_else_is_not_there(one: tuple[Crowded, Customer]) -> None:
    (board, ada, home), customer = one
    await ada.open(f"{home}/customers/{customer.id}/keys/new")
    await send_to(ada, "/keys/new", {})
    (key,) = await keys_of(board, customer)
    grace = await board.developer("grace@example.com")
    other = await board.project(grace)
    for path in (f"{customer.id}/keys/{key.id}", f"{customer.id}/keys/new", customer.id):
        assert (await grace.open(f"/dashboard/{other}/customers/{path}")).status_code == 404


async def keys_of(board: Board, customer: Customer) -> list[Credential]:
    async with board.gateway.records.read() as connection:
        return await credentials.of_customer(connection, customer.id, None, None)


async def send_to(browser: Browser, ending: str, values: dict[str, str]) -> int:
    """Send the form of the page that is shown whose action ends so; return the status."""
    return (await browser.send(values, form=browser.form(ending))).status_code
