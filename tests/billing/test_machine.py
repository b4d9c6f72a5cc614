"""Whatever customers, developers and banks do, and whatever becomes of the news of it: after the
reconciler everybody has the tier that the table of statuses gives them, and nobody pays twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.billing.till import TIERS, opened

from dream_gateway.payments import SubscriptionStatus as Status
from dream_gateway.payments import When
from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import Card, FakeStripe, StripeFault

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dream_gateway.payments import SubscriptionState
    from dream_gateway.records.subscriptions import Mirrored

pytestmark = pytest.mark.long

T = TypeVar("T")

START = 1_790_000_000.0
HOUR, DAY = 3_600.0, 86_400.0
GRACE_DAYS = 7
USERS = ("ada", "bob")
SOLD = ("basic", "pro")
users, sold = st.sampled_from(USERS), st.sampled_from(SOLD)
GIVES = {Status.TRIALING, Status.ACTIVE}
OVER = {Status.CANCELED, Status.INCOMPLETE_EXPIRED, Status.INCOMPLETE}
AMOUNTS = {tier.name: tier.price for tier in TIERS}
UNHEARD_SECONDS = DAY
"""How long it may take at most until what nobody told of is known."""


class Money(RuleBasedStateMachine):
    """Two customers of one project, on the fake Stripe; news come as the rules let them."""

    template: Path
    """An SQLite file with the records' tables."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock(START)
        self.folder = tempfile.TemporaryDirectory()
        self.stack = AsyncExitStack()
        self.fake = self.stack.enter_context(FakeStripe(clock=self.clock))
        self.fake.world.policy.retries = (3, 9, 25)
        path = shutil.copy(self.template, Path(self.folder.name) / "gateway.db")
        self.till = self.run(
            self.stack.enter_async_context(opened(self.fake, self.clock, f"sqlite:///{path}"))
        )
        self.sessions: dict[str, str] = {}
        self.connected = True
        self.late: dict[str, float] = {}
        """When each invoice that is not paid was first seen."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        try:
            self.settle()
            self.run(self.stack.aclose())
        finally:
            self.runner.close()
            self.folder.cleanup()

    # What customers do

    @rule(user=users, tier=sold)
    def choose(self, user: str, tier: str) -> None:
        """Subscribe, change to something dearer or cheaper, or undo what is scheduled."""
        answer = self.run(self.till.post("/api/create-checkout", user, tier=tier))
        told = answer.json()
        if answer.status_code == 200 and told["sessionId"] is not None:
            self.sessions[user] = told["sessionId"]
        allowed = {200, 409}
        assert answer.status_code in allowed, answer.text
        if answer.status_code == 409:
            assert told["code"] in {"conflict", "billing_account_missing"}
            assert told["code"] == "conflict" or not self.connected

    @rule(user=users, card=st.sampled_from([Card.WORKS, Card.WORKS, Card.DECLINES]))
    def pay(self, user: str, card: Card) -> None:
        """Complete the page they were last sent to, if it is still open."""
        session = self.sessions.get(user)
        if session is None:
            return
        try:
            self.fake.people.check_out(session, card)
        except StripeFault:
            return

    @rule(user=users, tier=sold)
    def subscribe(self, user: str, tier: str) -> None:
        """All of it at once, which comes about by chance too seldom."""
        self.choose(user, tier)
        self.pay(user, Card.WORKS)

    @rule(user=users, when=st.sampled_from(When))
    def cancel(self, user: str, when: When) -> None:
        """End it, as on the portal."""
        for state in self.states(user):
            if state.status not in OVER:
                self.run(self.till.engine.provider.cancel(self.till.account, state.id, when))

    @rule(user=users, when=st.sampled_from(When))
    def end_unheard(self, user: str, when: When) -> None:
        """End it, and have nobody told."""
        self.subscribe(user, "pro")
        self.settle()
        self.cancel(user, when)
        self.lose()
        self.settle()

    @rule(user=users)
    def resume(self, user: str) -> None:
        """Think again, as on the portal."""
        for state in self.states(user):
            if state.status not in OVER:
                self.run(self.till.engine.provider.keep_plan(self.till.account, state.id))

    @rule(user=users, card=st.sampled_from([Card.WORKS, Card.DECLINES]))
    def use_card(self, user: str, card: Card) -> None:
        """Renewals fail from here on, or work again."""
        payer = self.payer(user)
        if payer is not None:
            self.fake.people.use_card(payer, card)

    @rule(user=users)
    def fall_behind(self, user: str) -> None:
        """Have a renewal fail, hear of it, and not pay until the grace is over."""
        self.subscribe(user, "pro")
        self.use_card(user, Card.DECLINES)
        self.wait(31 * DAY)
        self.settle()
        self.wait(8 * DAY)
        self.settle()

    @rule(user=users)
    def recover(self, user: str) -> None:
        """Pay what is owed."""
        payer = self.payer(user)
        if payer is not None:
            self.fake.people.use_card(payer, Card.WORKS)
            self.fake.people.pay_open(payer)

    # What developers and banks do

    @rule(then=st.sampled_from(["canceled", "unpaid"]))
    def decide(self, then: str) -> None:
        """The developer decides what becomes of who does not pay in the end."""
        self.fake.world.policy.then = then

    @rule(data=st.data(), dispute=st.booleans())
    def take_back(self, data: st.DataObject, *, dispute: bool) -> None:
        """A refund or a dispute: neither ends a subscription."""
        books = self.fake.world.books(self.till.account.id or "", live=False)
        paid = [
            each["payment_intent"]
            for each in books.all("charge")
            if each["paid"] and not each["refunded"] and not each["disputed"]
        ]
        if paid:
            intent = data.draw(st.sampled_from(paid))
            act = self.fake.people.dispute if dispute else self.fake.people.refund
            act(intent)

    @precondition(lambda self: self.connected)
    @rule()
    def disconnect(self) -> None:
        """The developer disconnects the account, at Stripe."""
        self.fake.people.revoke(self.till.account.id or "")
        self.connected = False

    @precondition(lambda self: not self.connected)
    @rule()
    def connect(self) -> None:
        self.fake.people.connected(account=self.till.account.id)
        self.run(self.till.connect())
        self.connected = True

    # What becomes of the news

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Deliver some, in any order, some of them twice, and some never."""
        places = list(range(len(self.fake.pending())))
        if not places:
            return
        order = data.draw(st.permutations(places).map(lambda p: p[: len(p) // 2 + 1]))
        twice = data.draw(st.sets(st.sampled_from(order)))
        lost = data.draw(st.sets(st.sampled_from(places)))
        order = [each for each in order if each not in lost]
        self.run(self.till.deliver(order=order, duplicate=twice & set(order), drop=lost))

    @rule()
    def lose(self) -> None:
        """Stripe takes for delivered what never arrived."""
        for each in self.fake.pending():
            each.status = 200

    @rule()
    def work(self) -> None:
        self.run(self.till.work())

    @rule(seconds=st.sampled_from([60.0, HOUR, DAY, 3 * DAY, 8 * DAY, 31 * DAY]))
    def wait(self, seconds: float) -> None:
        """Let time pass, while nobody looks."""
        self.clock.advance(seconds)
        self.fake.pass_time()

    @rule()
    def settle(self) -> None:
        """Nothing more is heard; the reconciler makes up for all of it, and everything is right."""
        self.clock.advance(UNHEARD_SECONDS)
        self.fake.pass_time()
        self.run(self.till.reconcile())
        for user in USERS:
            self.check(user)

    def check(self, user: str) -> None:
        told = self.run(self.till.usage(user))
        states = self.states(user) if self.connected else []
        rows = {row.subscription_id: row for row in self.rows(user)}
        now = self.clock.now()
        if self.connected:
            going = [state for state in states if state.status not in OVER]
            assert len(going) <= 1, going
            assert {s.id: s.status for s in states} == {r: rows[r].status for r in rows}
            plans = [
                self.plan_of(state) for state in states if self.gives(state, rows[state.id], now)
            ]
            expected = max(plans, key=AMOUNTS.__getitem__, default="free")
            assert told["plan"] == expected, (states, rows)
        elif rows:
            # What is known is served; what was to end has ended.
            given = [r for r in rows.values() if self.mirrored(r, now)]
            expected = max(
                (r.plan or "free" for r in given), key=AMOUNTS.__getitem__, default="free"
            )
            assert told["plan"] == expected, rows

    def gives(self, state: SubscriptionState, row: Mirrored, now: float) -> bool:
        if state.cancel_at is not None and state.cancel_at <= now:
            return False
        if state.status is not Status.PAST_DUE:
            assert row.past_due_since is None
            return state.status in GIVES
        assert row.past_due_since is not None
        seen = self.late.setdefault(self.owed(state), now)
        assert row.past_due_since <= seen
        return now < row.past_due_since + GRACE_DAYS * DAY

    def owed(self, state: SubscriptionState) -> str:
        """Return the oldest invoice of a subscription that is not paid: with it a grace begins."""
        books = self.fake.world.books(self.till.account.id or "", live=False)
        oldest = min(
            (each["created"], each["id"])
            for each in books.all("invoice")
            if each["status"] == "open"
            and each["parent"]["subscription_details"]["subscription"] == state.id
        )
        return str(oldest[1])

    def mirrored(self, row: Mirrored, now: float) -> bool:
        if row.cancel_at is not None and row.cancel_at <= now:
            return False
        if row.status is Status.PAST_DUE:
            assert row.past_due_since is not None
            return now < row.past_due_since + GRACE_DAYS * DAY
        return row.status in GIVES

    def plan_of(self, state: SubscriptionState) -> str:
        return {tier.price: tier.name for tier in TIERS}[state.amount]

    def states(self, user: str) -> list[SubscriptionState]:
        """Return what Stripe has of a customer right now."""
        payer = self.payer(user)
        if payer is None or not self.connected:
            return []
        return list(
            self.run(self._states(payer)),
        )

    async def _states(self, payer: str) -> list[SubscriptionState]:
        return list(await self.till.engine.provider.subscriptions_of(self.till.account, payer))

    def payer(self, user: str) -> str | None:
        return self.run(self.till.payer(user)) if self.known(user) else None

    def rows(self, user: str) -> list[Mirrored]:
        return self.run(self.till.rows(user)) if self.known(user) else []

    def known(self, user: str) -> bool:
        return self.run(self.till.knows(user))


@pytest.fixture(scope="module", autouse=True)
def template(migrated: Path) -> None:
    """Have every run begin with tables that are made already."""
    Money.template = migrated


Money.TestCase.settings = settings(
    max_examples=int(os.environ.get("MONEY_EXAMPLES", "8")),
    stateful_step_count=16,
    suppress_health_check=list(HealthCheck),
)
TestMoney = Money.TestCase
