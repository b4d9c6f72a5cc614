"""A worker that is killed between any two steps: nobody pays twice, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import insert, select
from tests.billing.till import settings_of

from dream_gateway.billing.inbox import LEASE_SECONDS
from dream_gateway.records.billing_schema import messages, webhook_endpoints
from dream_gateway.records.schema import audit_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.billing.till import Till

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
MOST_STEPS = 40
KILLED = 9


class Victim:
    """Does jobs in processes that die."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def dies(self, till: Till, last: int, work: str, *arguments: str) -> bool:
        """Do a job up to a step; return whether it died there, and `False` if it came to its end."""
        job = {
            "last": last,
            "store": till.gateway.settings.store,
            "now": till.clock.now(),
            "stripe": settings_of(till.fake),
            "work": work,
            "arguments": arguments,
        }
        answer = await asyncio.to_thread(self._ask, json.dumps(job))
        assert answer["status"] in {0, KILLED}, answer
        return not answer["ended"]

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.billing.mortal"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Victim(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


async def every_step(
    begin: Callable[[str], Awaitable[None]],
    dies: Callable[[str, int], Awaitable[bool]],
    end: Callable[[str], Awaitable[None]],
) -> int:
    """Kill the work at each of its steps, with a customer for each; return how many there were."""
    for last in range(MOST_STEPS):
        user = f"user-{last}"
        await begin(user)
        died = await dies(user, last)
        await end(user)
        if not died:
            return last
    raise AssertionError("the work never ends")


async def charged(till: Till, user: str) -> list[int]:
    """Return what a customer was charged, each time."""
    payer = await till.payer(user)
    books = till.fake.world.books(till.account.id or "", live=False)
    return [e["amount"] for e in books.all("charge") if e["customer"] == payer and e["paid"]]


async def test_who_begins_to_pay_pays_once(till: Till, victim: Victim) -> None:
    async def begin(user: str) -> None:
        await till.usage(user)
        assert (await till.post("/api/data", user, cost=1)).status_code == 200

    async def dies(user: str, last: int) -> bool:
        return await victim.dies(till, last, "choose", till.project.id, user, "pro")

    async def end(user: str) -> None:
        await till.subscribe("pro", user)
        assert await till.plan(user) == "pro"
        assert len(await till.rows(user)) == 1
        assert await charged(till, user) == [1_900]

    assert await every_step(begin, dies, end) >= 10


async def test_who_changes_to_more_pays_the_difference_once(till: Till, victim: Victim) -> None:
    async def begin(user: str) -> None:
        await till.subscribe("basic", user)

    async def dies(user: str, last: int) -> bool:
        return await victim.dies(till, last, "choose", till.project.id, user, "pro")

    async def end(user: str) -> None:
        assert (await till.choose("pro", user))["change"] in {"now", "kept"}
        await till.hear()
        assert await till.plan(user) == "pro"
        assert len(await till.rows(user)) == 1
        assert await charged(till, user) == [900, 1_000]

    assert await every_step(begin, dies, end) >= 6


async def test_what_is_heard_counts_once(till: Till, victim: Victim) -> None:
    """The tier, what the audit log says of it, and what the developer is told."""
    async with till.gateway.records.write("test") as writer:
        await writer.connection.execute(
            insert(webhook_endpoints).values(
                id="whe_1",
                project_id=till.project.id,
                url="https://example.com/",
                description="",
                types=["subscription.changed"],
                secret=b"",
                status="enabled",
                failures=0,
                created_at=writer.now,
            )
        )

    async def begin(user: str) -> None:
        begun = await till.choose("pro", user)
        till.fake.people.check_out(begun["sessionId"])
        await till.fake.deliver_all(transport=httpx.ASGITransport(app=till.service))

    async def dies(_: str, last: int) -> bool:
        return await victim.dies(till, last, "hear")

    async def end(user: str) -> None:
        till.clock.advance(LEASE_SECONDS)
        await till.work()
        assert await till.plan(user) == "pro"
        customer = await till.customer(user)
        changed = select(audit_log.c.details).where(
            audit_log.c.object == customer.id, audit_log.c.action == "customer.update"
        )
        async with till.gateway.records.read() as connection:
            found = (await connection.execute(changed)).scalars()
            plans = [each["after"]["plan"] for each in found if "plan" in each["changed"]]
            told = (await connection.execute(select(messages.c.payload))).scalars()
            to = [json.loads(each)["data"]["externalId"] for each in told]
        assert plans == ["pro"]
        assert to.count(user) == 1

    assert await every_step(begin, dies, end) >= 8


async def test_what_is_made_up_for_counts_once(till: Till, victim: Victim) -> None:
    async def begin(user: str) -> None:
        begun = await till.choose("pro", user)
        till.fake.people.check_out(begun["sessionId"])
        for each in till.fake.pending():
            each.status = 200
        till.clock.advance(120)

    async def dies(_: str, last: int) -> bool:
        return await victim.dies(till, last, "reconcile")

    async def end(user: str) -> None:
        till.clock.advance(600)
        await till.reconcile()
        assert await till.plan(user) == "pro"
        assert len(await till.rows(user)) == 1

    assert await every_step(begin, dies, end) >= 5
