"""A field to try things on: stores, the nodes over them, and one customer with a quota."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chaos.node import Node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from chaos.conditions import SteppedClock
    from chaos.places import Place

CUSTOMER = "ada"
SETTLE_TRIES = 40


class Field:
    """Nodes over a place's stores. `secret` and `key` are what callers ask with."""

    def __init__(self, place: Place, folder: Path, clock: SteppedClock | None) -> None:
        self.place = place
        self.folder = folder
        self.clock = clock
        self.nodes: list[Node] = []
        self.project = self.secret = self.customer = self.key = self.key_id = ""

    async def open(self, nodes: int, workers: int, limit: int, environ: Mapping[str, str]) -> None:
        """Make the customer, and start the nodes, all at once."""
        environ = {**environ, **({} if self.clock is None else self.clock.environ)}
        self.nodes = [
            Node(self.folder / f"node{number}", self.place.stores, workers, environ)
            for number in range(nodes)
        ]
        first = self.nodes[0].install()
        tiers = (f"free={limit}/month", f"pro={2 * limit}/month")
        made = await asyncio.to_thread(first.create_platform, *tiers)
        self.project, self.secret = made["projectId"], made["secretKey"]
        made = await asyncio.to_thread(first.create_customer, self.project, CUSTOMER)
        self.customer = made["customerId"]
        self.key, self.key_id = made["key"], made["keyId"]
        await asyncio.gather(*(node.start() for node in self.nodes))

    async def close(self) -> list[int]:
        """Drain the nodes; return their exit codes."""
        return list(await asyncio.gather(*(node.stop() for node in self.nodes)))

    async def used(self) -> int:
        """Return the customer's usage as the ledger has it."""
        whose = ("--project", self.project, "--customer", CUSTOMER)
        return int((await self.nodes[0].command("usage", "show", *whose))["usageCount"])

    async def settled(self) -> int:
        """Return the usage once it has stood still for two looks: every lease has come back."""
        before = -1
        for _ in range(SETTLE_TRIES):
            now = await self.used()
            if now == before:
                return now
            before = now
            await asyncio.sleep(1.5)
        return before


@asynccontextmanager
async def opened(
    place: Place,
    folder: Path,
    *,
    nodes: int,
    workers: int,
    limit: int,
    clock: SteppedClock | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Field]:
    """Open a field on a place whose stores run, and close it in the end.

    `environ` is what the nodes find in their environment besides.
    """
    field = Field(place, folder, clock)
    try:
        await field.open(nodes, workers, limit, environ or {})
        yield field
    finally:
        await field.close()
