"""Any sequence of calls: a hypothesis state machine holds a ledger against the model."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from dream_gateway.gcra import Rate
from dream_gateway.storage import Charge, Claim, Event, Quota, Refund, Return, Void, shard_of
from dream_gateway.testing.clock import FakeClock
from dream_gateway.testing.ledger_base import LedgerFixtures
from dream_gateway.testing.ledger_model import SECOND_US, ModelLedger

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger
    from dream_gateway.testing.ledger_base import OpenLedger

EXAMPLES = 40
STEPS = 40
QUOTAS = ("s/q1", "s/q2")

limits = st.one_of(st.none(), st.integers(0, 20))
quotas = st.tuples(st.sampled_from(QUOTAS), st.builds(Quota, limits))
rates = st.tuples(
    st.just("s/r"),
    st.builds(Rate, st.sampled_from([1, 3, 7]), st.just(SECOND_US), st.integers(1, 12)),
)
rules = st.one_of(quotas, rates)
# Sixteenths of a second are exact in floats, so the model and the ledger read the same time.
durations = st.sampled_from([0.0, 0.0625, 1.0, 2.5, 59.9375, 60.0])
keys = st.sampled_from(["k1", "k2", "k3", "k4"])
fingerprints = st.sampled_from(["f", "f", "g"])


class LedgerMachine(RuleBasedStateMachine):
    """The rules: everything a worker, and time, may do to a ledger."""

    open_ledger: OpenLedger
    claims: Bundle[Claim] = Bundle("claims")

    @initialize()
    def open(self) -> None:
        """Start from an empty ledger."""
        self.clock = FakeClock()
        self.model = ModelLedger(Fraction(self.clock.monotonic()))
        self.made = 0
        self.runner = asyncio.Runner()
        self.context = self.open_ledger(self.clock)
        self.ledger: Ledger = self.runner.run(_enter(self.context))

    def teardown(self) -> None:
        """Close what `open` opened."""
        if hasattr(self, "context"):
            self.runner.run(_leave(self.context))
            self.runner.close()

    @rule(target=claims, on=rules, wanted=st.integers(1, 8), less=st.integers(0, 7))
    def take(self, on: tuple[str, Quota | Rate], wanted: int, less: int) -> Any:
        """Claim under a new lease id; a denied one may be claimed again."""
        claim = Claim(self._name(), on[0], on[1], wanted, max(1, wanted - less))
        self._check_take([claim])
        return multiple(claim)

    @rule(batch=st.lists(claims, min_size=1, max_size=3))
    def take_again(self, batch: list[Claim]) -> None:
        """Repeat claims, some perhaps denied or closed, in one batch."""
        self._check_take(batch)

    @rule(claim=claims, spent=st.one_of(st.none(), st.integers(0, 10)))
    def give_back(self, claim: Claim, spent: int | None) -> None:
        """Close a lease that may have been denied or closed already."""
        self.runner.run(
            _await(self.ledger.give_back([Return(claim.lease, spent, shard_of(claim.counter))]))
        )
        self.model.give_back(claim.lease, spent)

    @rule(
        counter=st.sampled_from([*QUOTAS, "s/nobody"]), units=st.integers(0, 6), again=st.booleans()
    )
    def refund(self, counter: str, units: int, again: bool) -> None:
        """Take used units back, perhaps twice by one id."""
        refund = Refund(self._name(), counter, units)
        for _ in range(1 + again):
            self.runner.run(_await(self.ledger.refund([refund])))
        self.model.refund(counter, units)

    @rule(target=claims, on=rules)
    def bury(self, on: tuple[str, Quota | Rate]) -> Any:
        """Give back an id that was never seen; its claim comes later."""
        claim = Claim(self._name(), on[0], on[1], 1, 1)
        self.give_back(claim, None)
        return multiple(claim)

    @rule(key=keys, cost=st.integers(0, 6), charges=st.lists(rules, max_size=3), mark=fingerprints)
    def record(
        self, key: str, cost: int, charges: list[tuple[str, Quota | Rate]], mark: str
    ) -> None:
        """Record an event, perhaps under a used key; each counter at most once."""
        chosen = tuple(Charge(counter, one) for counter, one in dict(charges).items())
        at = self.clock.now()
        self._check_record(Event(self._name(), "s", key, mark, "cus", cost, chosen, at))

    @rule(key=keys, of=keys, amount=st.one_of(st.none(), st.integers(0, 6)), mark=fingerprints)
    def void(self, key: str, of: str, amount: int | None, mark: str) -> None:
        """Take an event back, if there is one under the key `of`."""
        first = self.model.events.get(of)
        event = first[0].id if first else "nobody"
        at = self.clock.now()
        self._check_record(Void(self._name(), "s", key, mark, event, amount, at))

    @rule(seconds=durations)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        self.model.now = Fraction(self.clock.monotonic())

    @rule(seconds=st.sampled_from([-100_000.0, -1.0, 1.0, 100_000.0]))
    def step(self, seconds: float) -> None:
        """Step the wall clock, which must not matter."""
        self.clock.step(seconds)

    @rule()
    def prune(self) -> None:
        """Delete history, of which there is none."""
        assert self.runner.run(_await(self.ledger.prune(0, 100))) == 0

    @invariant()
    def tallies_agree(self) -> None:
        """Compare the counters with the model's."""
        if hasattr(self, "ledger"):
            tallies = self.runner.run(_await(self.ledger.usage(QUOTAS)))
            assert tallies == [self.model.tally(counter) for counter in QUOTAS]

    def _name(self) -> str:
        self.made += 1
        return f"n{self.made}"

    def _check_take(self, batch: list[Claim]) -> None:
        grants = self.runner.run(_await(self.ledger.take(batch)))
        assert [grant.lease for grant in grants] == [claim.lease for claim in batch]
        assert [grant.granted for grant in grants] == [self.model.take(claim) for claim in batch]

    def _check_record(self, item: Event | Void) -> None:
        (answer,) = self.runner.run(_await(self.ledger.record([item])))
        assert (answer.outcome, answer.cost) == self.model.record(item)


class MachineContract(LedgerFixtures):
    """The state machine, as a test."""

    examples: ClassVar[int] = EXAMPLES
    """How many sequences are tried: fewer do where a new store is slow to be had."""

    def test_any_sequence_of_calls_agrees_with_the_model(self, open_ledger: OpenLedger) -> None:
        """Bounded, so that it takes seconds."""
        machine = type("Machine", (LedgerMachine,), {"open_ledger": staticmethod(open_ledger)})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=self.examples,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


async def _await(answer: Any) -> Any:
    return await answer


async def _enter(context: Any) -> Any:
    return await context.__aenter__()


async def _leave(context: Any) -> None:
    await context.__aexit__(None, None, None)
