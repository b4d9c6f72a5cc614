"""A worker that is killed at one step, as by `kill -9`: run as a process of its own.

Arguments: the store's URL, the encryption key, the time, the step, the project's id.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.model import Customer
from dream_gateway.notices.addresses import networks
from dream_gateway.notices.dispatcher import Dispatcher
from dream_gateway.notices.sending import Outcome, Sender
from dream_gateway.plugins import open_backend
from dream_gateway.records import customers, dispatches
from dream_gateway.records.database import Records
from dream_gateway.testing import FakeClock
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.records.database import Writer
    from dream_gateway.records.dispatches import Claimed


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingSender(Sender):
    """One that does not get to the end of it."""

    step = ""

    async def post(self, url: str, body: bytes, fields: Mapping[str, str]) -> Outcome:
        if self.step == "claimed":
            die()
        outcome = await super().post(url, body, fields)
        if self.step == "posted":
            die()
        return outcome


async def delivered_and_dead(writer: Writer, claimed: Claimed, answer: int) -> bool:
    noted = await note(writer, claimed, answer)
    die()
    return noted


note = dispatches.delivered


async def main(store: str, key: str, now: str, step: str, project: str) -> None:
    clock = FakeClock(now=float(now))
    backend = open_backend(store, clock)
    await backend.start()
    records = Records(backend.records_engine(), clock, backend.feed())
    if step == "told":
        async with records.write("test") as writer:
            at = writer.now
            new = Customer(keys.mint_id("cus"), project, "eve", "free", at, at)
            await customers.add(writer, new)
            die()
    if step == "noted":
        dispatches.delivered = delivered_and_dead
    sender = DyingSender(networks(["127.0.0.0/8"]))
    sender.step = step
    dispatcher = Dispatcher(records, Vault([key]), sender, clock)
    await dispatcher.turn()
    await dispatcher.settled()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
