"""Many nodes on one store: exact admission, and changes that hold everywhere within a second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from chaos.crowd import Crowd
from chaos.field import CUSTOMER

if TYPE_CHECKING:
    from chaos.field import Field
    from chaos.node import Node

LIMIT = 4_000
CROWD_SECONDS = 60.0
CHANGE_SECONDS = 10.0
CALM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Company:
    """What was seen of nodes that share a store. The last two are seconds until all held to it."""

    place: str
    processes: str
    limit: int
    admitted: int
    counted: int
    upgrade: float
    revocation: float

    @property
    def is_right(self) -> bool:
        """Whether admission was exact, and every change was everywhere within a second."""
        exact = self.admitted == self.counted == self.limit
        return exact and self.upgrade < 1 and self.revocation < 1


async def observe(field: Field) -> Company:
    """Ask for more than there is on all nodes; then upgrade the customer and revoke their key."""
    crowd = Crowd(field.nodes, field.secret, CUSTOMER)
    crowd.begin()
    seen = crowd.answers
    # Units on lease elsewhere are denied until they come back: all of them have to be had.
    await crowd.until(lambda: seen.admitted >= LIMIT <= 4 * seen.denied, CROWD_SECONDS)
    answers = await crowd.end()
    counted = await field.settled()
    upgrade = await _upgraded(field)
    revocation = await _revoked(field)
    workers = sum(len(node.worker_pids()) for node in field.nodes)
    return Company(
        field.place.name,
        f"{len(field.nodes)} nodes, {workers} workers",
        LIMIT,
        answers.admitted,
        counted,
        upgrade,
        revocation,
    )


async def _upgraded(field: Field) -> float:
    """Upgrade the customer on one node; return when the last worker admitted them again."""
    path = f"/api/customers/{field.customer}"
    await _change(field, field.nodes[0], "PATCH", path, {"plan": "pro"})
    return await _until(field, 200)


async def _revoked(field: Field) -> float:
    """Revoke the customer's key on another node; return when the last worker refused it."""
    await _change(field, field.nodes[-1], "DELETE", f"/api/keys/{field.key_id}", None)
    return await _until(field, 401)


async def _change(
    field: Field, node: Node, method: str, path: str, body: dict[str, str] | None
) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        headers = {"Authorization": f"Bearer {field.secret}"}
        answer = await client.request(method, f"{node.service}{path}", headers=headers, json=body)
        answer.raise_for_status()


async def _until(field: Field, status: int) -> float:
    """Return the seconds until every worker answered so, and none otherwise any more."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(CHANGE_SECONDS):
        lasts = await asyncio.gather(*(_last_other(field, node, status) for node in field.nodes))
    return max(lasts) - began


async def _last_other(field: Field, node: Node, status: int) -> float:
    """Return when a node last answered otherwise, once it has not for a second."""
    now = asyncio.get_running_loop().time
    last = now()
    # New connections all the time, which the kernel spreads over the node's workers.
    headers = {"Authorization": f"Bearer {field.key}", "Connection": "close"}
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        while now() - last < CALM_SECONDS:
            answer = await client.get(f"{node.edge}/authorize")
            if answer.status_code != status:
                last = now()
    return last
