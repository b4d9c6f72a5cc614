"""Usage events with an idempotency key: charged by the ledger itself, once, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.errors import (
    ConflictError,
    CustomerSuspendedError,
    IdempotencyConflictError,
    NotFoundError,
    VoidExceedsError,
)
from dream_gateway.storage import Charge, Event, Outcome, Recorded, Void
from dream_gateway.verdicts import refused, short_of, usage, verdict
from dream_gateway.waiting import Denial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counts import Counts
    from dream_gateway.meter import Meter
    from dream_gateway.model import Project, Verdict
    from dream_gateway.named_users import NamedUsers
    from dream_gateway.storage import Ledger
    from dream_gateway.subjects import Subject


@dataclass(frozen=True, slots=True)
class TrackedEvent:
    """One event to record: `key` is its idempotency key, `fingerprint` a digest of what was asked.

    `plan` is the tier a secret key names for the user.
    """

    user: str
    cost: int
    key: str
    fingerprint: str
    plan: str | None = None


class UsageEvents:
    """Records events, and takes them back. Used from one event loop.

    A refusal is a verdict; a store that is away raises `StoreUnavailableError`.
    """

    def __init__(
        self, users: NamedUsers, meter: Meter, ledger: Ledger, clock: Clock, counts: Counts
    ) -> None:
        self._users = users
        self._meter = meter
        self._ledger = ledger
        self._now = clock.now
        self._counts = counts

    async def record(
        self, project: Project, events: Sequence[TrackedEvent]
    ) -> list[tuple[Verdict, Recorded]]:
        """Charge events that carry an idempotency key, each on its own."""
        subjects = [await self._users.subject(project, e.user, e.plan, e.cost) for e in events]
        is_suspended = [subject.customer.suspended for subject in subjects]
        may = [at for at, is_so in enumerate(is_suspended) if not is_so]
        charged = iter(await self._record([subjects[at] for at in may], [events[at] for at in may]))
        return [
            self._suspended(subject, event) if is_so else next(charged)
            for subject, event, is_so in zip(subjects, events, is_suspended, strict=True)
        ]

    def _suspended(self, subject: Subject, event: TrackedEvent) -> tuple[Verdict, Recorded]:
        """Return the refusal of a suspended customer's event; a repeat of one recorded before, too."""
        code = CustomerSuspendedError.code
        self._counts.denied(code, subject.project.id, subject.customer.id)
        return refused(subject, code, event.cost), Recorded(Outcome.DENIED, "")

    async def _record(
        self, subjects: Sequence[Subject], events: Sequence[TrackedEvent]
    ) -> list[tuple[Verdict, Recorded]]:
        """Charge an event to each subject."""
        asked = [self._event(s, e) for s, e in zip(subjects, events, strict=True)]
        answers = await self._ledger.record(asked)
        denied = [at for at, answer in enumerate(answers) if _denied(answer)]
        if denied:
            # What this worker holds on lease counts as out: hand it in, and ask for those once more.
            await self._meter.release([c for at in denied for c in subjects[at].counters])
            again = await self._ledger.record([asked[at] for at in denied])
            for at, answer in zip(denied, again, strict=True):
                answers[at] = answer
            await self._learn([subjects[at] for at in denied if _denied(answers[at])])
        for subject, answer in zip(subjects, answers, strict=True):
            if answer.outcome is Outcome.RECORDED:
                self._meter.observe(subject.counters, answer.tallies)
        self._count(subjects, events, answers)
        return [
            (self._recorded(s, e.cost, a), a)
            for s, e, a in zip(subjects, events, answers, strict=True)
        ]

    async def _learn(self, denied: Sequence[Subject]) -> None:
        """Ask how much was used of quotas: what was used on other workers is not known here."""
        quotas = [s.quota for s in denied if s.quota is not None]
        if quotas:
            tallies = await self._ledger.usage([quota.key for quota in quotas])
            self._meter.observe(quotas, tallies)

    def _count(
        self, subjects: Sequence[Subject], events: Sequence[TrackedEvent], answers: list[Recorded]
    ) -> None:
        for subject, event, answer in zip(subjects, events, answers, strict=True):
            if answer.outcome is Outcome.RECORDED:
                self._counts.recorded(subject, event.cost)
            elif _denied(answer):
                code = short_of(subject.counters[answer.denied_by or 0])
                self._counts.denied(code, subject.project.id, subject.customer.id)

    async def void(
        self, project: Project, event: str, amount: int | None, key: str | None
    ) -> Recorded:
        """Take back a recorded event, or a part of it.

        Without a key, a repeat of taking back all returns the first result, and parts add up. Raises
        `NotFoundError`, `VoidExceedsError`, `IdempotencyConflictError`.
        """
        void_id = keys.mint_id("void")
        void = Void(
            id=void_id,
            scope=project.id,
            key=key or (f"void:{event}" if amount is None else void_id),
            fingerprint=f"{event}:{amount}",
            event=event,
            amount=amount,
            at=self._now(),
        )
        (answer,) = await self._ledger.record([void])
        faults = {
            Outcome.UNKNOWN: NotFoundError,
            Outcome.EXCEEDS: VoidExceedsError,
            Outcome.CONFLICT: IdempotencyConflictError,
            Outcome.DENIED: ConflictError,
        }
        fault = faults.get(answer.outcome)
        if fault is not None:
            raise fault
        return answer

    def _event(self, subject: Subject, event: TrackedEvent) -> Event:
        return Event(
            id=keys.mint_id("evt"),
            scope=subject.project.id,
            key=event.key,
            fingerprint=event.fingerprint,
            subject=subject.customer.id,
            cost=event.cost,
            charges=tuple(Charge(c.key, c.rule) for c in subject.counters),
            at=self._now(),
        )

    def _recorded(self, subject: Subject, cost: int, answer: Recorded) -> Verdict:
        now = self._now()
        if _denied(answer):
            counter = subject.counters[answer.denied_by or 0]
            denial = Denial(counter, answer.retry_after)
            return verdict(subject, short_of(counter), cost, now, denial=denial)
        found = verdict(subject, "allowed", cost, now)
        # A repeat tells the first result, and what was on lease here by then is not known any more.
        is_new = answer.outcome is Outcome.RECORDED
        for counter, tally in zip(subject.counters, answer.tallies, strict=False):
            if counter is subject.quota:
                held = counter.available if is_new else 0
                found.usage = usage(subject, tally.used + tally.out - held)
        return found


def _denied(answer: Recorded) -> bool:
    return answer.outcome is Outcome.DENIED
