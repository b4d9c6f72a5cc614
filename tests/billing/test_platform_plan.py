"""What platforms pay: `/platform/subscription` and `/platform/billing-portal`."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import httpx
import msgspec
import pytest
from tests.billing.till import CONNECT_SECRET, PLATFORM_SECRET
from tests.service.conftest import WithIdentities
from tests.service.signed_tokens import SignedTokens

from dream_gateway.billing.engine import Engine
from dream_gateway.billing.platform_standing import (
    PAID,
    UNPAID_SECONDS,
    is_paid,
    is_refused,
    judged,
    mirrored,
)
from dream_gateway.gateway import Gateway
from dream_gateway.model import Interval
from dream_gateway.payments import CheckoutStatus, SubscriptionState, SubscriptionStatus, When
from dream_gateway.records import platforms
from dream_gateway.records.platform_plans import PlatformPlan
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.settings import Settings
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured
from dream_gateway_stripe.testing import Card, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.testing import FakeClock
    from dream_gateway_stripe.testing import FakeStripe

DAY = 86_400.0
GRACE_DAYS = 7
FRONTEND = "https://app.example.com/billing"
OPERATOR = "an operator's token, which nobody can guess"
SUBSCRIPTION, PORTAL = "/platform/subscription", "/platform/billing-portal"
STEPS = 50


@dataclass
class Landlord:
    """A gateway whose operator sells a plan, and one developer with a project."""

    fake: FakeStripe
    clock: FakeClock
    gateway: Gateway
    engine: Engine
    service: Any
    tokens: SignedTokens
    secret_key: str = ""
    platform_id: str = ""

    async def ask(self, method: str, path: str, who: str = "ada", **body: Any) -> httpx.Response:
        """Ask as a developer, with a token of now."""
        return await self._send(method, path, self.tokens.sign(who, f"{who}@example.com"), body)

    async def as_operator(self, path: str) -> httpx.Response:
        """Ask as the operator."""
        return await self._send("POST", path, OPERATOR, {})

    async def key_works(self) -> bool:
        """Return whether the project's secret key is taken."""
        answer = await self._send("GET", "/api/tiers", self.secret_key, {})
        assert answer.status_code in {200, 403}
        if answer.status_code == 403:
            assert answer.json()["code"] == "platform_suspended"
        return answer.status_code == 200

    async def plan(self) -> dict[str, Any]:
        """Return what is told of the plan."""
        told: dict[str, Any] = (await self.ask("GET", SUBSCRIPTION)).json()
        return told

    async def subscribe(self, card: Card = Card.WORKS) -> None:
        """Pay for the plan, and hear of it."""
        answer = await self.ask("POST", SUBSCRIPTION)
        assert answer.status_code == 200, answer.text
        self.fake.people.check_out(answer.json()["sessionId"], card=card)
        await self.hear()

    async def hear(self) -> None:
        """Have Stripe send what there is, and deal with it."""
        await self.fake.deliver_all(transport=httpx.ASGITransport(app=self.service))
        for _ in range(STEPS):
            if not await self.engine.inbox.step():
                return
        raise AssertionError("the inbox never ends")

    async def wait(self, days: float) -> None:
        """Let time pass, and look at whoever is due, without any news."""
        self.clock.advance(days * DAY)
        self.fake.pass_time()
        await self.look()

    async def look(self) -> None:
        """Look at whoever is due."""
        for _ in range(STEPS):
            if not await self.engine.platform_plans.step():
                return
        raise AssertionError("it never ends")

    async def payer(self) -> str:
        """Return what Stripe calls the platform."""
        async with self.gateway.records.read() as connection:
            platform = await platforms.find(connection, self.platform_id)
        assert platform is not None
        payer_id = (await self.engine.platform_plans.plan(platform)).payer_id
        assert payer_id is not None
        return payer_id

    async def _send(self, method: str, path: str, token: str, body: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast("Any", self.service)),
            base_url="http://service",
            headers={"authorization": f"Bearer {token}"},
        ) as client:
            return await client.request(method, path, json=body or None)


@pytest.fixture
def settings() -> Settings:
    """How the operator sells the plan: by the settings alone."""
    return Settings(platform_plan=True, platform_grace_days=GRACE_DAYS, operator_tokens=(OPERATOR,))


@asynccontextmanager
async def _opened(
    fake: FakeStripe, clock: FakeClock, settings: Settings, price_id: str = ""
) -> AsyncIterator[Landlord]:
    fake.connect_webhooks("http://service/webhook/stripe", CONNECT_SECRET)
    fake.platform_webhooks("http://service/webhook/stripe/platform", PLATFORM_SECRET)
    own = StripeSettings(
        secret_key=fake.keys().secret,
        webhook_secret=CONNECT_SECRET,
        platform_webhook_secret=PLATFORM_SECRET,
        frontend_url=FRONTEND,
        api_url=fake.base_url,
        connect_url=fake.base_url,
        price_id=price_id,
    )
    provider, tokens = StripeBilling(configured(own, {})), SignedTokens(clock)
    gateway = Gateway(settings, clock, WithIdentities((), (tokens,)))
    await gateway.start()
    try:
        ledger = gateway.stores.ledger()
        engine = Engine(provider, gateway.records, clock, settings, ledger)
        host = ServiceHost(gateway)
        host.billing = engine
        service = create_service(host)
        yield Landlord(fake, clock, gateway, engine, service, tokens)
    finally:
        await provider.aclose()
        await gateway.close()


@pytest.fixture
async def landlord(
    fake: FakeStripe, clock: FakeClock, settings: Settings, migrated: Path, tmp_path: Path
) -> AsyncIterator[Landlord]:
    path = shutil.copy(migrated, tmp_path / "gateway.db")
    here = msgspec.structs.replace(settings, store=f"sqlite:///{path}")
    async with _opened(fake, clock, here) as each:
        made = (await each.ask("POST", "/platform/projects", name="shop")).json()
        each.secret_key = made["secretKey"]
        each.platform_id = (await each.ask("GET", "/platform")).json()["platform"]["id"]
        await each.look()
        yield each


async def test_who_never_pays_is_served_for_a_grace_and_comes_back_by_paying(
    landlord: Landlord,
) -> None:
    plan = await landlord.plan()
    assert (plan["required"], plan["paid"], plan["unpaid"], plan["status"]) == (
        True, False, False, None,
    )  # fmt: skip
    await landlord.wait(GRACE_DAYS - 1)
    assert await landlord.key_works()
    await landlord.wait(1)
    assert not await landlord.key_works()
    assert (await landlord.ask("GET", "/platform")).json()["platform"]["unpaid"] is True
    refused = await landlord.ask("POST", "/platform/projects", name="another")
    assert (refused.status_code, refused.json()["code"]) == (403, "platform_suspended")
    await landlord.subscribe()
    assert await landlord.key_works()
    plan = await landlord.plan()
    assert (plan["paid"], plan["status"], plan["graceUntil"]) == (True, "active", None)
    made = await landlord.ask("POST", "/platform/projects", name="another")
    assert made.status_code == 201


async def test_it_is_fifteen_dollars_a_month_unless_somebody_says_otherwise(
    landlord: Landlord,
) -> None:
    await landlord.subscribe()
    (state,) = await landlord.engine.provider.subscriptions_of(
        landlord.engine.provider.operator_account, await landlord.payer()
    )
    assert (state.amount, state.currency, state.interval) == (1_500, "usd", Interval.MONTH)


async def test_it_goes_on_by_itself_month_after_month(landlord: Landlord) -> None:
    await landlord.subscribe()
    for _ in range(3):
        await landlord.wait(31)
        plan = await landlord.plan()
        assert (plan["paid"], plan["graceUntil"]) == (True, None)
        assert await landlord.key_works()


async def test_a_payment_that_fails_has_a_grace_and_one_that_is_made_up_for_ends_it(
    landlord: Landlord,
) -> None:
    await landlord.subscribe()
    payer = await landlord.payer()
    landlord.fake.world.policy.then = "unpaid"
    landlord.fake.people.use_card(payer, Card.DECLINES)
    landlord.clock.advance(31 * DAY)
    landlord.fake.pass_time()
    await landlord.hear()
    plan = await landlord.plan()
    assert (plan["status"], plan["paid"], plan["unpaid"]) == ("past_due", False, False)
    assert await landlord.key_works()
    await landlord.wait(GRACE_DAYS)
    assert not await landlord.key_works()
    landlord.fake.people.use_card(payer, Card.WORKS)
    landlord.fake.people.pay_open(payer)
    await landlord.hear()
    assert await landlord.key_works()
    assert (await landlord.plan())["status"] == "active"


async def test_who_paid_is_served_again_though_the_news_are_lost(landlord: Landlord) -> None:
    await landlord.wait(GRACE_DAYS)
    answer = await landlord.ask("POST", SUBSCRIPTION)
    landlord.fake.people.check_out(answer.json()["sessionId"])
    await _lose_everything(landlord)
    assert not await landlord.key_works()
    await landlord.wait(UNPAID_SECONDS / DAY)
    assert await landlord.key_works()


async def test_one_that_is_to_end_is_served_until_then_and_for_its_grace(
    landlord: Landlord,
) -> None:
    await landlord.subscribe()
    provider, payer = landlord.engine.provider, await landlord.payer()
    account = provider.operator_account
    (state,) = await provider.subscriptions_of(account, payer)
    await provider.cancel(account, state.id, When.PERIOD_END)
    await landlord.hear()
    plan = await landlord.plan()
    assert (plan["paid"], plan["cancelAt"]) == (True, plan["currentPeriodEnd"])
    await landlord.wait(31)
    await landlord.wait(1)
    assert (await landlord.plan())["paid"] is False
    assert await landlord.key_works()
    await landlord.wait(GRACE_DAYS)
    assert not await landlord.key_works()


async def test_the_operators_own_word_is_undone_by_no_payment(landlord: Landlord) -> None:
    path = f"/operator/platforms/{landlord.platform_id}"
    await landlord.as_operator(f"{path}/suspend")
    refused = await landlord.ask("POST", SUBSCRIPTION)
    assert (refused.status_code, refused.json()["code"]) == (403, "platform_suspended")
    await landlord.as_operator(f"{path}/resume")
    await landlord.subscribe()
    await landlord.as_operator(f"{path}/suspend")
    await landlord.wait(31)
    assert (await landlord.plan())["paid"] is True
    assert not await landlord.key_works()
    await landlord.as_operator(f"{path}/resume")
    assert await landlord.key_works()


async def test_nobody_is_refused_while_the_provider_cannot_be_asked(landlord: Landlord) -> None:
    await landlord.subscribe()
    landlord.fake.people.use_card(await landlord.payer(), Card.DECLINES)
    await landlord.wait(31)
    assert (await landlord.plan())["status"] == "past_due"
    landlord.fake.fail("/v1/subscriptions", times=20, method="get")
    await landlord.wait(GRACE_DAYS)
    assert await landlord.key_works()
    landlord.fake.api.troubles.clear()
    await landlord.wait(1)
    assert not await landlord.key_works()


async def test_the_same_wish_is_the_same_page_and_another_closes_it(landlord: Landlord) -> None:
    first = (await landlord.ask("POST", SUBSCRIPTION)).json()
    assert (await landlord.ask("POST", SUBSCRIPTION)).json() == first
    other = (await landlord.ask("POST", SUBSCRIPTION, successUrl=f"{FRONTEND}/paid")).json()
    assert other["sessionId"] != first["sessionId"]
    provider = landlord.engine.provider
    state = await provider.checkout_state(provider.operator_account, first["sessionId"])
    assert state is not None
    assert state.status is CheckoutStatus.EXPIRED


async def test_two_wishes_at_once_leave_one_page_open(landlord: Landlord) -> None:
    wishes = [{"successUrl": f"{FRONTEND}/{number}"} for number in range(4)]
    answers = await asyncio.gather(*(landlord.ask("POST", SUBSCRIPTION, **wish) for wish in wishes))
    assert {answer.status_code for answer in answers} <= {200, 409}
    provider = landlord.engine.provider
    told = [answer.json()["sessionId"] for answer in answers if answer.status_code == 200]
    states = [await provider.checkout_state(provider.operator_account, each) for each in told]
    assert [state.status for state in states if state is not None].count(CheckoutStatus.OPEN) <= 1


async def test_409_what_is_paid_and_422_pages_of_others(landlord: Landlord) -> None:
    assert (await landlord.ask("POST", PORTAL)).status_code == 409
    for path, field in (
        (SUBSCRIPTION, "successUrl"),
        (SUBSCRIPTION, "cancelUrl"),
        (PORTAL, "returnUrl"),
    ):
        answer = await landlord.ask("POST", path, **{field: "https://evil.example.com/"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    await landlord.subscribe()
    assert (await landlord.ask("POST", SUBSCRIPTION)).status_code == 409
    portal = await landlord.ask("POST", PORTAL)
    assert portal.json()["url"].startswith(landlord.fake.base_url)


async def test_what_others_pay_the_operator_is_no_platforms(landlord: Landlord) -> None:
    provider = landlord.engine.provider
    await landlord.ask("POST", SUBSCRIPTION)
    await landlord.subscribe()
    async with landlord.gateway.records.write("test") as writer:
        # As if somebody else's: no platform is known by this payer any more.
        await writer.connection.exec_driver_sql("UPDATE platform_plans SET payer_id = 'cus_other'")
    landlord.clock.advance(31 * DAY)
    landlord.fake.pass_time()
    await landlord.hear()
    assert provider.operator_account.id is None
    async with landlord.gateway.records.read() as connection:
        seen = await connection.exec_driver_sql(
            "SELECT DISTINCT status FROM inbox WHERE endpoint = 'platform' AND about = 'subscription' "
            "AND received_at > (SELECT MAX(received_at) - 1 FROM inbox)"
        )
        assert set(seen.scalars()) == {"ignored"}


async def test_the_provider_may_name_the_price(
    fake: FakeStripe, clock: FakeClock, migrated: Path, tmp_path: Path
) -> None:
    path = shutil.copy(migrated, tmp_path / "gateway.db")
    async with _opened(
        fake, clock, Settings(store=f"sqlite:///{path}"), price_id="price_own"
    ) as each:
        assert (await each.plan())["required"] is True
    other = shutil.copy(migrated, tmp_path / "other.db")
    async with _opened(fake, clock, Settings(store=f"sqlite:///{other}")) as each:
        assert (await each.plan())["required"] is False
        refused = await each.ask("POST", SUBSCRIPTION)
        assert (refused.status_code, refused.json()["code"]) == (501, "billing_not_configured")
        await each.wait(400)
        assert (await each.ask("GET", "/platform")).json()["platform"]["unpaid"] is False


async def test_once_nothing_is_to_be_paid_everybody_is_served(landlord: Landlord) -> None:
    await landlord.wait(GRACE_DAYS)
    assert not await landlord.key_works()
    landlord.engine.platform_plans.is_sold = False
    await landlord.look()
    assert await landlord.key_works()
    landlord.engine.platform_plans.is_sold = True
    await landlord.look()
    assert await landlord.key_works()
    await landlord.wait(GRACE_DAYS)
    assert not await landlord.key_works()


async def _lose_everything(landlord: Landlord) -> None:
    pending = landlord.fake.pending(Target.PLATFORM)
    assert pending
    every = range(len(landlord.fake.pending()))
    await landlord.fake.deliver(order=(), drop=every)


@pytest.mark.parametrize("status", list(SubscriptionStatus))
@pytest.mark.parametrize("ending", [None, -1.0, 1.0])
def test_the_table_of_statuses(status: SubscriptionStatus, ending: float | None) -> None:
    now = 1_000_000.0
    cancel_at = None if ending is None else now + ending
    plan = PlatformPlan("plt", status=status, cancel_at=cancel_at)
    paid = status in {"trialing", "active"} and ending != -1.0
    assert is_paid(plan, now) is paid
    plan = judged(plan, now, GRACE_DAYS)
    assert plan.grace_until == (None if paid else now + GRACE_DAYS * DAY)
    assert not is_refused(plan, now)
    later = judged(plan, now + GRACE_DAYS * DAY, GRACE_DAYS)
    assert is_refused(later, now + GRACE_DAYS * DAY) is (not paid)
    assert (
        judged(replace(later, status=SubscriptionStatus.ACTIVE, cancel_at=None), now, 7).grace_until
        is None
    )


def test_of_several_subscriptions_the_one_that_is_paid_counts() -> None:
    states = [_state(status, float(at)) for at, status in enumerate(SubscriptionStatus)]
    plan = mirrored(PlatformPlan("plt"), states)
    assert plan.status in PAID
    unpaid = [state for state in states if state.status not in PAID]
    assert mirrored(plan, unpaid).status == "paused"
    assert mirrored(plan, []).status is None


def _state(status: SubscriptionStatus, at: float) -> SubscriptionState:
    return SubscriptionState(
        id=f"sub_{status}",
        customer_id="cus",
        status=status,
        price_ids=("price",),
        amount=1_500,
        currency="usd",
        interval=Interval.MONTH,
        interval_count=1,
        quantity=1,
        period_start=0.0,
        period_end=100.0,
        created_at=at,
    )
