"""The ledger's verbs as calls of its functions, and their replies as answers.

Every function is given two keys of its shard: the ledger's name, which is always there, and one that
never is. While a slot is moved key by key, a server answers TRYAGAIN to a command some of whose keys it
lacks: so no function runs on a part of a shard, wherever its other keys are just then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.errors import InvalidRequestError
from dream_gateway.storage import (
    SHARDS,
    Event,
    Grant,
    Outcome,
    Quota,
    Recorded,
    Tally,
    Void,
    shard_of,
)  # fmt: skip
from dream_gateway_valkey.router import Call
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.gcra import Rate
    from dream_gateway.storage import Charge, Claim, Refund, Return
    from dream_gateway_valkey.library import Library

MICROSECONDS = 1_000_000
MOST_UNITS = 2**53 - 1
"""Beyond that a Lua number is not exact."""

MOST_PERIOD = 2**42
MOST_BURST_US = 2**52
NO_WAIT = -1
HEAD = 6
"""How many values stand before the tallies in the reply to an event."""


class Caller:
    """Makes calls on one ledger: under its name, at a time (empty: the server's own)."""

    def __init__(self, keys: Keys, library: Library, name: str, now_us: str) -> None:
        self._keys = keys
        self._library = library
        self._head = (name, now_us)

    def take(self, claim: Claim) -> Call:
        """Return the call that takes a lease."""
        rule = _rule(claim.rule)
        wanted = _units(claim.wanted)
        fields = (claim.lease, claim.counter, wanted, claim.at_least, *rule)
        return self.on(shard_of(claim.counter), "take", fields)

    def give_back(self, item: Return) -> Call:
        """Return the call that closes a lease."""
        spent = "" if item.spent is None else min(item.spent, MOST_UNITS)
        return self.on(item.shard % SHARDS, "give_back", (item.lease, spent))

    def refund(self, item: Refund) -> Call:
        """Return the call that takes units back."""
        fields = (item.id, item.counter, _units(item.units))
        return self.on(shard_of(item.counter), "refund", fields)

    def record(self, event: Event | Void) -> Call:
        """Return the call that records an event or a void."""
        head = (event.scope, event.key, event.id, event.fingerprint, repr(float(event.at)))
        shard = shard_of(event.scope)
        if isinstance(event, Void):
            amount = "" if event.amount is None else _units(event.amount)
            return self.on(shard, "record", (*head, "", f"={event.event}", amount))
        charges = [field for charge in event.charges for field in _charge(charge, shard)]
        return self.on(shard, "record", (*head, event.subject, "", _units(event.cost), *charges))

    def usage(self, shard: int, counters: Sequence[str]) -> Call:
        """Return the call that reads counters of one shard."""
        return self.on(shard, "usage", counters)

    def on(self, shard: int, verb: str, fields: Sequence[str | int]) -> Call:
        """Return the call of any function of a shard."""
        keys = self._keys
        command = (
            "FCALL", self._library.name(verb), 2,
            keys.name(shard), keys.never(shard), *self._head, *fields,
        )  # fmt: skip
        return Call(keys.slot(shard), command, mark=keys.mark(shard))


class Keys:
    """The names of what this store keeps, all beginning with one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.root = f"{prefix}:ledger"
        self._slots = [slot_of(f"{{{shard}}}".encode()) for shard in range(SHARDS)]

    def slot(self, shard: int) -> int:
        """Return the hash slot of a shard."""
        return self._slots[shard]

    def name(self, shard: int) -> str:
        """Return the key that holds the ledger's name."""
        return f"{self.prefix}:{{{shard}}}:i"

    def never(self, shard: int) -> str:
        """Return a key that never is."""
        return f"{self.prefix}:{{{shard}}}:-"

    def mark(self, shard: int) -> str:
        """Return a key to write for the sake of writing."""
        return f"{self.prefix}:{{{shard}}}:w"


def grant(claim: Claim, reply: Any) -> Grant:
    """Return the answer to a claim."""
    granted, used, out, left, wait_us = reply
    remaining: int | None = left
    if isinstance(claim.rule, Quota):
        limit = claim.rule.limit
        remaining = None if limit is None else max(0, limit - used - out)
    wait = None if wait_us == NO_WAIT else wait_us / MICROSECONDS
    return Grant(claim.lease, granted, used, out, remaining, wait)


def recorded(event: Event | Void, reply: Any, *, repeated: bool) -> Recorded:
    """Return the answer to an event. `repeated`: an earlier try of this very call may have run."""
    name, id_, cost, subject, denied_by, wait_us = reply[:HEAD]
    outcome, id_ = Outcome(name.decode()), id_.decode()
    if repeated and outcome is Outcome.DUPLICATE and id_ == event.id:
        outcome = Outcome.RECORDED
    return Recorded(
        outcome=outcome,
        id=id_,
        cost=cost,
        tallies=tuple(tallies(reply[HEAD:])),
        subject=subject.decode(),
        denied_by=None if denied_by < 0 else denied_by,
        retry_after=None if wait_us == NO_WAIT else wait_us / MICROSECONDS,
    )


def tallies(figures: Sequence[int]) -> list[Tally]:
    """Return tallies from their figures, one after the other."""
    pairs = iter(figures)
    return [Tally(used, out) for used, out in zip(pairs, pairs, strict=True)]


def _rule(rule: Quota | Rate) -> tuple[str | int, ...]:
    if isinstance(rule, Quota):
        limit = "" if rule.limit is None else min(rule.limit, MOST_UNITS)
        return ("q", limit, "" if rule.period_end is None else rule.period_end)
    exact = rule.limit < MOST_PERIOD and rule.period_us < MOST_PERIOD
    if not exact or rule.burst > MOST_UNITS or rule.span(rule.burst) >= MOST_BURST_US:
        raise InvalidRequestError("A rate so large or so slow cannot be counted exactly.")
    return ("r", rule.limit, rule.period_us, rule.burst)


def _charge(charge: Charge, shard: int) -> tuple[str | int, ...]:
    if shard_of(charge.counter) != shard:
        raise InvalidRequestError("An event's counters are of its scope's group.")
    kind, *rest = _rule(charge.rule)
    fields = (kind, charge.counter, *rest)
    return fields if kind == "r" else (*fields, "")


def _units(number: int) -> int:
    if number > MOST_UNITS:
        raise InvalidRequestError("A number in it is too large to be counted.")
    return number
