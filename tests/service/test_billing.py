"""`POST /api/create-checkout` and `POST /api/customer-portal` of a gateway that takes no payments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dream_gateway.records import projects

if TYPE_CHECKING:
    from tests.service.conftest import Tenant

    from dream_gateway.gateway import Gateway

CHECKOUT, PORTAL = "/api/create-checkout", "/api/customer-portal"
ORIGIN = "https://shop.example.com"
ADA = {"x-user-id": "ada"}


@pytest.fixture
async def shop(gateway: Gateway, tenant: Tenant) -> Tenant:
    """The tenant, whose pages are known."""
    async with gateway.records.write("test") as writer:
        await projects.change(writer, replace(tenant.project, origins=(ORIGIN,)))
    return tenant


async def test_501_without_a_billing_plugin(shop: Tenant) -> None:
    for path, body in ((CHECKOUT, {"tier": "pro"}), (PORTAL, {})):
        answer = await shop.client.post(path, headers=ADA, json=body)
        assert (answer.status_code, answer.json()["code"]) == (501, "billing_not_configured")
