"""A worker that dies at a chosen step: `python -m tests.billing.mortal`.

It reads jobs as lines of JSON, does each in a process of its own, forked from one that has imported
everything, and says of each whether it came to its end. A step is what comes before or after the
provider or the records are asked; the worker is killed (SIGKILL) in the place of one.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from dream_gateway.billing.engine import Engine
from dream_gateway.command_stores import open_stores
from dream_gateway.records import customers, projects, tiers
from dream_gateway.settings import Settings
from dream_gateway.storage import Role
from dream_gateway.testing import FakeClock
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records, Writer


class Steps:
    """Counts, and kills its own process at the step that is to be the last."""

    def __init__(self, last: int) -> None:
        self._left = last

    def take(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


class Mortal:
    """Somebody whose every coroutine has a step before it and one after it."""

    def __init__(self, whole: object, steps: Steps) -> None:
        self._whole = whole
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        if not inspect.iscoroutinefunction(found) or name == "aclose":
            return found

        async def call(*arguments: object) -> object:
            self._steps.take()
            answer = await found(*arguments)
            self._steps.take()
            return answer

        return call


class MortalRecords:
    """Records whose write transactions have a step before they commit and one after."""

    def __init__(self, records: Records, steps: Steps) -> None:
        self._steps = steps
        self._records = records
        self.read = records.read

    @asynccontextmanager
    async def write(self, actor: str) -> AsyncIterator[Writer]:
        async with self._records.write(actor) as writer:
            yield writer
            self._steps.take()
        self._steps.take()


async def choose(engine: Engine, project_id: str, user: str, tier: str) -> None:
    """Have a customer choose a tier."""
    async with engine.records.read() as connection:
        project = await projects.find(connection, project_id)
        customer = await customers.named(connection, project_id, user)
        wanted = await tiers.named(connection, project_id, tier)
    assert project is not None
    assert customer is not None
    assert wanted is not None
    page = f"{project.origins[0]}/"
    await engine.checkouts.begin(
        project=project, customer=customer, tier=wanted, success_url=page, cancel_url=page
    )


async def hear(engine: Engine) -> None:
    """Deal with all that is in the inbox."""
    while await engine.inbox.step():
        pass


async def reconcile(engine: Engine) -> None:
    """Make up for all that was missed."""
    while await engine.reconciler.step() or await engine.inbox.step():
        pass


async def overage(engine: Engine) -> None:
    """Have reported what is used beyond what is included."""
    while await engine.collector.step():
        pass
    while await engine.outbox.step():
        pass


async def platforms(engine: Engine) -> None:
    """Look at what platforms pay."""
    while await engine.platform_plans.step():
        pass


async def run(job: dict[str, Any]) -> None:
    """Do a job."""
    steps, settings = Steps(job["last"]), Settings(store=job["store"])
    clock, stripe = FakeClock(job["now"]), StripeSettings(**job["stripe"])
    provider = StripeBilling(configured(stripe, {}))
    async with open_stores(settings, clock, tuple(Role)) as (records, stores):
        engine = Engine(
            cast("Billing", Mortal(provider, steps)),
            cast("Records", MortalRecords(records, steps)),
            clock,
            settings,
            stores.ledger(),
        )
        await globals()[job["work"]](engine, *job["arguments"])
        await provider.aclose()


def main() -> None:
    """Do the jobs that come."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(run(json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"ended": status == 0, "status": status}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
