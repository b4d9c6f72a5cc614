"""What is asked of Stripe and in whose name, and what its refusals mean: by a server that refuses."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from stripe import HTTPXClient

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
    GatewayError,
    InvalidCodeError,
)
from dream_gateway.payments import Account, Payer
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ACCOUNT = Account("acct_1", live=False)
PAYER = Payer("dg_cust_1", "a@example.com", None, {"project": "prj_1"})
MADE = (200, {"id": "cus_1", "object": "customer"})


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, list[str]]
    key: str
    account: str | None
    once: str | None


@dataclass
class Scripted:
    """A server that gives the `answers` in turn; the last one again and again."""

    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def posted(self) -> list[Asked]:
        """Return what was asked for that changes something."""
        return [each for each in self.asked if each.method == "POST"]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        length = int(request.headers.get("content-length") or 0)
        body = parse_qs(request.rfile.read(length).decode())
        self.asked.append(
            Asked(
                request.command,
                url.path,
                parse_qs(url.query),
                body,
                request.headers["authorization"].removeprefix("Bearer "),
                request.headers["stripe-account"],
                request.headers["idempotency-key"],
            )
        )
        status, told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        request.send_response(status)
        request.send_header("Request-Id", "req_1")
        if status == 429:
            request.send_header("Retry-After", "7")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)


def refusal(status: int, code: str = "odd", kind: str = "invalid_request_error") -> tuple[int, Any]:
    message = "This sentence is Stripe's, with sk_test_***."
    return status, {"error": {"type": kind, "code": code, "message": message}}


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield script
    server.shutdown()
    server.server_close()


@pytest.fixture
async def billing(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StripeBilling]:
    async def at_once(client: HTTPXClient, seconds: float) -> None:
        del client, seconds

    monkeypatch.setattr(HTTPXClient, "sleep_async", at_once)
    opened = StripeBilling(
        configured(
            StripeSettings(
                secret_key="sk_test_new,sk_test_old",
                client_id="ca_1",
                api_url=f"{scripted.url}/",
                connect_url=scripted.url,
            ),
            {},
        )
    )
    yield opened
    await opened.aclose()


async def test_the_operators_key_acts_in_the_accounts_name(
    scripted: Scripted, billing: StripeBilling
) -> None:
    scripted.answers = [MADE]
    assert await billing.customer(ACCOUNT, PAYER) == "cus_1"
    assert await billing.customer(Account(None, live=False), PAYER) == "cus_1"
    first, own = scripted.posted()
    assert (first.key, first.account) == ("sk_test_new", "acct_1")
    assert first.body == {"email": ["a@example.com"], "metadata[project]": ["prj_1"]}
    assert own.account is None


async def test_the_same_order_is_the_same_request_and_another_is_not(
    scripted: Scripted, billing: StripeBilling
) -> None:
    scripted.answers = [MADE]
    for payer in (PAYER, PAYER, Payer(PAYER.key, None, None, {}), Payer("2", None, None, {})):
        await billing.customer(ACCOUNT, payer)
    keys = [each.once for each in scripted.posted()]
    assert keys[0] == keys[1]
    assert len({*keys}) == 3
    assert all(key is not None and 20 < len(key) <= 255 for key in keys)


async def test_a_key_that_stripe_does_not_take_is_left_for_the_other(
    scripted: Scripted, billing: StripeBilling
) -> None:
    scripted.answers = [refusal(401), MADE]
    for _ in range(2):
        assert await billing.customer(ACCOUNT, PAYER) == "cus_1"
    used = [each.key for each in scripted.posted()]
    assert used == ["sk_test_new", "sk_test_old", "sk_test_old"]
    assert len({each.once for each in scripted.posted()}) == 1
    scripted.answers, scripted.asked = [refusal(401)], []
    with pytest.raises(BillingUnavailableError):
        await billing.customer(ACCOUNT, PAYER)
    assert [each.key for each in scripted.asked] == ["sk_test_old", "sk_test_new"]


@pytest.mark.parametrize(
    ("answer", "error", "times"),
    [
        (refusal(500, kind="api_error"), BillingUnavailableError, 3),
        ((503, b"<html>down</html>"), BillingUnavailableError, 3),
        (refusal(409, "lock_timeout"), BillingUnavailableError, 3),
        (refusal(429, "rate_limit"), BillingUnavailableError, 1),
        ((200, b"<html>captive portal</html>"), BillingUnavailableError, 1),
        ((200, {"object": "customer"}), BillingUnavailableError, 1),
        (refusal(403, "account_invalid"), BillingAccountError, 1),
        (refusal(403, "more_permissions_required"), BillingUnavailableError, 1),
        ((403, {"error": {"type": "invalid_request_error"}}), BillingUnavailableError, 1),
        (refusal(400), ConflictError, 1),
        (refusal(400, kind="idempotency_error"), ConflictError, 1),
        (refusal(404, "resource_missing"), ConflictError, 1),
        (refusal(402, "card_declined", "card_error"), ConflictError, 1),
    ],
)
async def test_what_refusals_mean_and_how_often_is_asked(
    scripted: Scripted,
    billing: StripeBilling,
    answer: tuple[int, Any],
    error: type[GatewayError],
    times: int,
) -> None:
    scripted.answers = [answer]
    with pytest.raises(error) as refused:
        await billing.customer(ACCOUNT, PAYER)
    assert type(refused.value) is error
    assert "Stripe's" not in refused.value.detail
    assert len(scripted.asked) == times
    assert len({each.once for each in scripted.asked}) == 1
    assert refused.value.retry_after == (7 if answer[0] == 429 else None)


async def test_the_own_account_cannot_be_disconnected(
    scripted: Scripted, billing: StripeBilling
) -> None:
    scripted.answers = [refusal(403)]
    with pytest.raises(BillingUnavailableError):
        await billing.account(Account(None, live=False))


async def test_stripe_out_of_reach_is_told(billing: StripeBilling, scripted: Scripted) -> None:
    settings = StripeSettings(secret_key="sk_test_1", api_url="http://127.0.0.1:9")
    away = StripeBilling(configured(settings, {}))
    with pytest.raises(BillingUnavailableError):
        await away.subscription(ACCOUNT, "sub_1")
    await away.aclose()
    await away.aclose()
    del billing, scripted


async def test_what_is_not_there_is_none(scripted: Scripted, billing: StripeBilling) -> None:
    scripted.answers = [refusal(404, "resource_missing")]
    assert await billing.subscription(ACCOUNT, "sub_1") is None
    assert await billing.checkout_state(ACCOUNT, "cs_1") is None
    assert await billing.payment(ACCOUNT, "pi_1") is None
    assert await billing.listed(ACCOUNT, "tier/pro") is None
    scripted.answers = [refusal(400, "parameter_unknown")]
    with pytest.raises(ConflictError, match="parameter_unknown"):
        await billing.subscription(ACCOUNT, "sub_1")


async def test_every_page_of_a_list_is_read_in_the_same_name(
    scripted: Scripted, billing: StripeBilling
) -> None:
    def page(*names: str, more: bool) -> tuple[int, Any]:
        told = [
            {
                "id": name,
                "object": "event",
                "type": "customer.deleted",
                "created": 1,
                "livemode": False,
                "data": {"object": {"id": f"cus_{name}"}},
            }
            for name in names
        ]
        return 200, {"object": "list", "data": told, "has_more": more, "url": "/v1/events"}

    scripted.answers = [page("4", "3", more=True), page("2", "1", more=False)]
    found = await billing.undelivered(ACCOUNT, 1_790_000_000.5)
    assert [event.ref for event in found] == ["cus_1", "cus_2", "cus_3", "cus_4"]
    assert {event.account for event in found} == {ACCOUNT}
    first, second = scripted.asked
    assert first.query == {
        "created[gte]": ["1790000000"],
        "delivery_success": ["false"],
        "limit": ["100"],
    }
    assert second.query == {**first.query, "starting_after": ["3"]}
    assert (first.account, second.account) == ("acct_1", "acct_1")


class TestConnect:
    async def test_a_code_is_taken_for_its_own_mode_only(
        self, scripted: Scripted, billing: StripeBilling
    ) -> None:
        token = {"stripe_user_id": "acct_9", "livemode": False, "scope": "read_write"}
        account = {"id": "acct_9", "object": "account", "charges_enabled": True}
        scripted.answers = [(200, {**token, "access_token": "sk_theirs"}), (200, account)]
        found = await billing.connect("ac_1", live=False)
        assert (found.id, found.charges, found.scope) == ("acct_9", True, "read_write")
        exchange, read = scripted.asked
        assert (exchange.path, read.path) == ("/oauth/token", "/v1/account")
        assert exchange.body == {"grant_type": ["authorization_code"], "code": ["ac_1"]}
        assert (exchange.key, exchange.account) == ("sk_test_new", None)
        assert (read.key, read.account) == ("sk_test_new", "acct_9")
        scripted.answers = [(200, {**token, "livemode": True})]
        with pytest.raises(InvalidCodeError):
            await billing.connect("ac_2", live=False)
        scripted.answers = [(200, {"access_token": "sk_theirs"})]
        with pytest.raises(BillingUnavailableError):
            await billing.connect("ac_3", live=False)

    @pytest.mark.parametrize(
        ("status", "word", "error"),
        [
            (400, "invalid_grant", InvalidCodeError),
            (400, "invalid_request", BillingUnavailableError),
            (401, "invalid_client", BillingUnavailableError),
        ],
    )
    async def test_another_code_is_refused(
        self,
        scripted: Scripted,
        billing: StripeBilling,
        status: int,
        word: str,
        error: type[GatewayError],
    ) -> None:
        scripted.answers = [(status, {"error": word, "error_description": "Stripe's words"})]
        with pytest.raises(error):
            await billing.connect("ac_1", live=False)

    async def test_who_is_not_connected_can_be_disconnected(
        self, scripted: Scripted, billing: StripeBilling
    ) -> None:
        scripted.answers = [(401, {"error": "invalid_client", "error_description": "none"})]
        await billing.disconnect(ACCOUNT)
        (asked,) = scripted.asked
        assert asked.path == "/oauth/deauthorize"
        assert asked.body == {"client_id": ["ca_1"], "stripe_user_id": ["acct_1"]}
        scripted.answers = [refusal(500, kind="api_error")]
        with pytest.raises(BillingUnavailableError):
            await billing.disconnect(ACCOUNT)

    async def test_modes_without_keys_take_no_payments(self, billing: StripeBilling) -> None:
        with pytest.raises(BillingNotConfiguredError, match="live mode"):
            billing.connect_url("s", "https://x.example.com/", live=True)
        with pytest.raises(BillingNotConfiguredError, match="live mode"):
            await billing.customer(Account("acct_1", live=True), PAYER)
        bare = StripeBilling(configured(StripeSettings(secret_key="sk_test_1"), {}))
        with pytest.raises(BillingNotConfiguredError, match="cannot be connected"):
            await bare.connect("ac_1", live=False)

    def test_the_page_is_told_where_to_send_back_to(
        self, scripted: Scripted, billing: StripeBilling
    ) -> None:
        url = billing.connect_url("s&t", "https://x.example.com/oauth/callback?a=b", live=False)
        assert url.startswith(f"{scripted.url}/oauth/authorize?")
        assert parse_qs(urlsplit(url).query) == {
            "response_type": ["code"],
            "client_id": ["ca_1"],
            "scope": ["read_write"],
            "state": ["s&t"],
            "redirect_uri": ["https://x.example.com/oauth/callback?a=b"],
        }
