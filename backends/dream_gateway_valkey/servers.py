"""What the servers say about themselves: whether they forget, and what a crash can lose."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway_valkey.driver import RefusedError

if TYPE_CHECKING:
    from dream_gateway_valkey.address import Node
    from dream_gateway_valkey.router import Router

logger = logging.getLogger(__name__)

UNKNOWN = "?"
NEVER_EVICTS = frozenset({"noeviction", UNKNOWN})
SETTINGS = ("maxmemory-policy", "appendonly", "appendfsync")

LOSSES = {
    "always": "A crash of the server, or of its machine, loses nothing that was answered",
    "everysec": "A crash of the server's machine loses the last second, one of the server less",
    "no": "A crash of the server's machine loses what its system had not written yet",
    "off": "A crash of the server loses everything since its last snapshot",
    UNKNOWN: "What a crash of the server loses is not known: it does not tell its settings",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How one server keeps data. `sync` is a key of `LOSSES`."""

    eviction: str
    sync: str


async def examine(router: Router, node: Node) -> Manner:
    """Return how a server keeps data, as far as it tells. Raises `BrokenError`."""
    try:
        reply = await router.ask(node, "CONFIG", "GET", *SETTINGS)
    except RefusedError:
        return await _examine_without_config(router, node)
    pairs = iter(part.decode() for part in reply)
    found = dict(zip(pairs, pairs, strict=True))
    sync = found.get("appendfsync", UNKNOWN) if found.get("appendonly") == "yes" else "off"
    if "appendonly" not in found or sync not in LOSSES:
        sync = UNKNOWN
    return Manner(found.get("maxmemory-policy", UNKNOWN), sync)


async def _examine_without_config(router: Router, node: Node) -> Manner:
    try:
        text = (await router.ask(node, "INFO", "memory", "persistence")).decode()
    except RefusedError:
        return Manner(UNKNOWN, UNKNOWN)
    found = dict(line.partition(":")[::2] for line in text.splitlines())
    sync = "off" if found.get("aof_enabled") == "0" else UNKNOWN
    return Manner(found.get("maxmemory_policy", UNKNOWN), sync)


def durability(manners: list[Manner], wait: int, *, cluster: bool) -> str:
    """Return what a crash can lose: of the servers, the one that keeps least decides."""
    worst = max((manner.sync for manner in manners), key=list(LOSSES).index, default=UNKNOWN)
    sentence = LOSSES[worst]
    if wait:
        return f"{sentence}; {wait} replicas have what was answered."
    if cluster:
        return f"{sentence}; a failover loses what its replica had not received yet."
    return f"{sentence}."


def warn(manners: list[Manner]) -> None:
    """Log what an operator should know about durability."""
    if any(manner.sync != "always" for manner in manners):
        logger.warning(
            "The Valkey server may lose counted usage in a crash: set appendonly yes and "
            "appendfsync always"
        )


def evicts(manners: list[Manner]) -> bool:
    """Return whether a server may throw counters away when its memory is full."""
    return any(manner.eviction not in NEVER_EVICTS for manner in manners)
