"""`POST /api/create-checkout` and `POST /api/customer-portal`, with a billing of the test's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import BillingUnavailableError
from dream_gateway.hookspecs import CheckoutOrder, CheckoutSession
from dream_gateway.plugins import Plugins
from dream_gateway.records import projects

if TYPE_CHECKING:
    from tests.service.conftest import Tenant

    from dream_gateway.gateway import Gateway
    from dream_gateway.hookspecs import Billing
    from dream_gateway.model import Customer, Project

CHECKOUT, PORTAL = "/api/create-checkout", "/api/customer-portal"
ORIGIN = "https://shop.example.com"
ADA = {"x-user-id": "ada"}


class Till:
    """Notes what is ordered, unless it is closed."""

    def __init__(self) -> None:
        self.orders: list[CheckoutOrder] = []
        self.closed = False

    async def checkout(self, order: CheckoutOrder) -> CheckoutSession:
        if self.closed:
            raise BillingUnavailableError
        self.orders.append(order)
        return CheckoutSession(
            f"cs_{len(self.orders)}", f"https://pay.example.com/{order.tier.name}"
        )

    async def portal(self, project: Project, customer: Customer, return_url: str) -> str:
        return f"https://pay.example.com/{customer.external_id}?next={return_url}"


class WithBilling(Plugins):
    """Plugins of which the test gives the billing."""

    def __init__(self, known: tuple[Billing, ...]) -> None:
        super().__init__({})
        self._registered["billings"] = known


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def billings(till: Till) -> tuple[Billing, ...]:
    return (till,)


@pytest.fixture
def plugins(billings: tuple[Billing, ...]) -> Plugins:
    return WithBilling(billings)


@pytest.fixture
async def shop(gateway: Gateway, tenant: Tenant) -> Tenant:
    """The tenant, whose pages are known."""
    async with gateway.records.write("test") as writer:
        await projects.change(writer, replace(tenant.project, origins=(ORIGIN,)))
    return tenant


async def test_200_with_the_tiers_price_and_urls_of_the_project(shop: Tenant, till: Till) -> None:
    asked = {"tier": "pro", "successUrl": f"{ORIGIN}/thanks?for=it", "cancelUrl": f"{ORIGIN}/"}
    answer = await shop.client.post(CHECKOUT, headers=ADA | {"idempotency-key": "k1"}, json=asked)
    assert (answer.status_code, answer.json()) == (
        200, {"url": "https://pay.example.com/pro", "sessionId": "cs_1"},
    )  # fmt: skip
    (order,) = till.orders
    assert (order.tier.price, order.customer.external_id) == (1999, "ada")
    assert (order.success_url, order.cancel_url) == (asked["successUrl"], asked["cancelUrl"])
    assert (order.project.id, order.idempotency_key) == (shop.project.id, "k1")


async def test_200_portal_comes_back_to_the_first_origin(shop: Tenant) -> None:
    answer = await shop.client.post(PORTAL, headers=ADA)
    assert answer.json() == {"url": f"https://pay.example.com/ada?next={ORIGIN}/"}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://shop.example.com.evil.example.com/",
        "https://shop.example.com@evil.example.com/",
        "https://shop.example.com:8443/",
        "http://shop.example.com/",
        "https://shop.example.com\\@evil.example.com/",
        "//shop.example.com/",
        "javascript:alert(1)",
    ],
)
async def test_422_for_a_url_of_somebody_else(shop: Tenant, till: Till, url: str) -> None:
    for path, body, pointer in (
        (CHECKOUT, {"tier": "pro", "successUrl": url}, "/successUrl"),
        (CHECKOUT, {"tier": "pro", "cancelUrl": url}, "/cancelUrl"),
        (PORTAL, {"returnUrl": url}, "/returnUrl"),
    ):
        answer = await shop.client.post(path, headers=ADA, json=body)
        assert answer.status_code == 422, answer.text
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert till.orders == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"tier": "free"}, 422, "invalid_request"),
        ({"tier": "none"}, 422, "invalid_request"),
        ({"tier": "pro", "priceId": "price_cheap"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ],
)
async def test_a_tier_that_cannot_be_bought_or_a_price_of_ones_own(
    shop: Tenant, till: Till, body: dict[str, str], status: int, code: str
) -> None:
    answer = await shop.client.post(CHECKOUT, headers=ADA, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert till.orders == []


async def test_503_while_the_provider_is_away(shop: Tenant, till: Till) -> None:
    till.closed = True
    answer = await shop.client.post(CHECKOUT, headers=ADA, json={"tier": "pro"})
    assert (answer.status_code, answer.json()["code"]) == (503, "billing_unavailable")
    assert "retry-after" in answer.headers


@pytest.mark.parametrize("billings", [()])
@pytest.mark.usefixtures("billings")
async def test_501_without_a_billing_plugin(shop: Tenant) -> None:
    for path, body in ((CHECKOUT, {"tier": "pro"}), (PORTAL, {})):
        answer = await shop.client.post(path, headers=ADA, json=body)
        assert (answer.status_code, answer.json()["code"]) == (501, "billing_not_configured")
