"""The methods, asked of the real service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dream_gateway.client import (
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    QuotaExceededError,
    ServerError,
    etag,
)

if TYPE_CHECKING:
    from tests.client.conftest import Project

    from dream_gateway.client import AsyncDreamAPI
    from dream_gateway.client.made.shapes import BatchEvent
    from dream_gateway.testing.clock import FakeClock


async def test_usage(api: AsyncDreamAPI) -> None:
    tracked = await api.usage.track(user_id="Zoë, 東京", cost=3)
    assert (tracked["usage"]["userId"], tracked["usage"]["usageCount"]) == ("Zoë, 東京", 3)
    assert not tracked["duplicate"]
    again = await api.usage.track(user_id="u-1", cost=2, idempotency_key="one")
    same = await api.usage.track(user_id="u-1", cost=2, idempotency_key="one")
    assert (again["duplicate"], same["duplicate"]) == (False, True)
    voided = await api.usage.void(again["eventId"] or "", amount=1)
    assert voided["amount"] == 1
    event: BatchEvent = {"userId": "u-1", "idempotencyKey": "two", "cost": 4}
    batch = await api.usage.batch(events=[event])
    assert batch["success"]
    assert (await api.usage.check(user_id="u-1"))["usageCount"] == 5


@pytest.mark.parametrize("user_id", ["a\nb", "a\r\nX-User-Plan: pro", "\0", "a\x7f"])
async def test_what_no_field_can_hold_is_not_sent(api: AsyncDreamAPI, user_id: str) -> None:
    with pytest.raises(ValueError, match=r"No X-User-Id: .* has a control character"):
        await api.usage.track(user_id=user_id)
    with pytest.raises(ValueError, match="No Idempotency-Key"):
        await api.usage.track(user_id="u-1", idempotency_key=user_id)


async def test_a_refusal_tells_the_limit(api: AsyncDreamAPI, project: Project) -> None:
    with pytest.raises(QuotaExceededError) as refused:
        await api.usage.track(user_id="u-1", cost=11)
    error = refused.value
    assert (error.status, error.code, error.problem["limit"]) == (429, "quota_exceeded", 10)
    assert error.retry_after is not None
    assert error.retry_after > 3600
    assert error.request_id is not None
    assert project.slept == []
    assert (await api.usage.check(user_id="u-1"))["usageCount"] == 0


async def test_customers_change_by_what_is_sent(api: AsyncDreamAPI) -> None:
    made = await api.customers.create(
        email="ada@example.com", first_name="Ada", external_id="ada", metadata={"a": 1}
    )
    ada = made["customer"]["id"]
    changed = await api.customers.update(ada, first_name=None, plan="pro")
    assert (changed["customer"]["firstName"], changed["customer"]["plan"]) == (None, "pro")
    assert changed["customer"]["metadata"] == {"a": 1}
    assert (await api.customers.list(external_id="ada"))["data"] == [changed["customer"]]
    await api.customers.delete(ada)
    with pytest.raises(NotFoundError):
        await api.customers.get(ada)


async def test_a_change_of_another_version_is_refused(api: AsyncDreamAPI) -> None:
    made = (await api.customers.create(email="ada@example.com"))["customer"]
    seen = await api.customers.get(made["id"])
    version = etag(seen)
    assert version is not None
    await api.customers.update(made["id"], last_name="L", if_match=version)
    with pytest.raises(PreconditionFailedError):
        await api.customers.update(made["id"], last_name="M", if_match=version)
    assert etag(seen["customer"]) is None


async def test_iterate_goes_over_every_page(api: AsyncDreamAPI) -> None:
    for number in range(5):
        await api.customers.create(email=f"c{number}@example.com", external_id=f"c{number}")
    found = [each["externalId"] async for each in api.customers.iterate(limit=2)]
    assert found == ["c0", "c1", "c2", "c3", "c4"]


async def test_keys_from_first_to_last(api: AsyncDreamAPI, clock: FakeClock) -> None:
    ada = (await api.customers.create(email="ada@example.com"))["customer"]["id"]
    until = datetime.fromtimestamp(clock.now(), UTC) + timedelta(days=1)
    made = await api.keys.create(
        ada, name="ci", scopes=("read",), expires_at=until, rate={"limit": 5, "interval": "second"}
    )
    assert made["expiresAt"] == until.isoformat().replace("+00:00", "Z")
    allowed = await api.verify(key=made["key"] or "", scopes=["read"], cost=2)
    assert (allowed["allowed"], allowed["keyId"]) == (True, made["keyId"])
    unbound = await api.keys.update(made["keyId"], expires_at=None, rate=None)
    assert (unbound["expiresAt"], unbound["rate"], unbound["name"]) == (None, None, "ci")
    rotated = await api.keys.rotate(made["keyId"])
    assert not (await api.verify(key=made["key"] or ""))["allowed"]
    assert (await api.verify(key=rotated["key"] or ""))["allowed"]
    await api.keys.delete(rotated["keyId"])
    assert (await api.keys.get(rotated["keyId"]))["status"] == "revoked"
    assert [each["keyId"] async for each in api.keys.iterate(ada)]


async def test_tiers_and_products(api: AsyncDreamAPI) -> None:
    made = await api.tiers.create(name="team", interval=None)
    assert made["interval"] is None
    replaced = await api.tiers.update("team", limit="unlimited", trial_days=3)
    assert (replaced["limit"], replaced["interval"]) == ("unlimited", "month")
    assert "team" in [each["name"] for each in (await api.products.list_tiers())["tiers"]]
    await api.tiers.delete("team")
    with pytest.raises(NotFoundError):
        await api.tiers.get("team")
    mug = await api.products.create(name="mug", price=900, inventory=2)
    again = await api.products.update(mug["id"], name="mug", price=950, product_id="prod_1")
    assert (again["price"], again["productId"]) == (950, "prod_1")
    assert (await api.products.list())["products"] == [await api.products.get(mug["id"])]
    with pytest.raises(ConflictError):
        await api.products.create(name="mug", price=1)
    await api.products.delete(mug["id"])


async def test_webhook_endpoints(api: AsyncDreamAPI) -> None:
    made = await api.webhook_endpoints.create(url="https://hooks.example.com/in")
    assert (made["secret"] or "").startswith("whsec_")
    endpoint = made["id"]
    changed = await api.webhook_endpoints.update(endpoint, status="disabled", types=["key.revoked"])
    assert (changed["status"], changed["types"]) == ("disabled", ["key.revoked"])
    assert (await api.webhook_endpoints.rotate(endpoint))["secret"] != made["secret"]
    await api.webhook_endpoints.update(endpoint, status="enabled")
    queued = await api.webhook_endpoints.test(endpoint)
    assert (await api.webhook_messages.get(queued["messageId"]))["type"] == "webhook.test"
    assert (await api.webhook_endpoints.replay(endpoint))["replayed"] >= 0
    found = [each["id"] async for each in api.webhook_messages.iterate(type_="webhook.test")]
    assert found == [queued["messageId"]]
    await api.webhook_endpoints.delete(endpoint)
    assert (await api.webhook_endpoints.list())["endpoints"] == []


async def test_dashboard_and_orders(api: AsyncDreamAPI, clock: FakeClock) -> None:
    await api.customers.create(email="ada@example.com")
    assert (await api.dashboard.get())["metrics"]["customers"] == 1
    assert len((await api.dashboard.get_totals())["projects"]) == 1
    end = datetime.fromtimestamp(clock.now(), UTC)
    series = await api.dashboard.get_series(
        metric="units", granularity="hour", from_=end - timedelta(hours=3), to=end
    )
    assert len(series["points"]) in {3, 4}
    assert [each async for each in api.orders.iterate()] == []


async def test_what_this_gateway_does_not_do(api: AsyncDreamAPI, project: Project) -> None:
    with pytest.raises(ServerError) as refused:
        await api.billing.create_checkout(user_id="u-1", tier="pro")
    assert (refused.value.status, refused.value.code) == (501, "billing_not_configured")
    with pytest.raises(ServerError):
        await api.billing.open_portal(user_id="u-1")
    assert project.slept == []
    with pytest.raises(InvalidRequestError) as wrong:
        await api.auth.exchange(code="none")
    assert wrong.value.code == "invalid_code"


async def test_faults_are_named_by_their_pointer(api: AsyncDreamAPI) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await api.customers.create(email="nobody")
    assert [each["pointer"] for each in refused.value.errors] == ["/email"]
    assert str(refused.value).startswith("422 invalid_request: ")


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_no_id_leads_to_another_path(api: AsyncDreamAPI, value: str) -> None:
    with pytest.raises(ValueError, match="Not an id"):
        await api.customers.delete(value)
    with pytest.raises(NotFoundError):
        await api.customers.get(f"../tiers{value}?x#y")


async def test_a_token_is_one_users_until_it_is_cleared(project: Project) -> None:
    async with project.client(secret_key=None, publishable_key=project.publishable_key) as browser:
        assert (await browser.products.list_tiers())["tiers"]
        with pytest.raises(AuthenticationError):
            await browser.usage.check()
        with pytest.raises(PermissionDeniedError):
            await browser.customers.list()
        browser.set_user_token(f"good:{project.publishable_key}")
        assert (await browser.usage.track())["usage"]["usageCount"] == 1
        browser.set_user_token("bad")
        with pytest.raises(AuthenticationError):
            await browser.usage.check()
        browser.clear_user_token()
        assert (await browser.tiers.list())["tiers"]


async def test_pages_for_users_are_the_projects(project: Project) -> None:
    async with project.client(publishable_key="pk_test_a/b") as api:
        assert api.auth.get_sign_in_url(redirect_url="https://a.example/?x=1", state="s") == (
            f"{project.url}/auth/pk_test_a%2Fb/sign-in?redirect_url=https%3A%2F%2Fa.example%2F%3Fx%3D1&state=s"
        )
        assert api.auth.get_sign_up_url() == f"{project.url}/auth/pk_test_a%2Fb/sign-up"
        assert api.auth.get_password_reset_url().endswith("/reset")
        assert api.auth.get_customer_portal_url().endswith("/account")
    async with project.client() as secret:
        with pytest.raises(ValueError, match="publishable_key"):
            secret.auth.get_sign_in_url()
        with pytest.raises(ValueError, match="publishable_key"):
            secret.set_user_token("t")
