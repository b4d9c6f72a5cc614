"""What the servers say about themselves: whether they forget, and what a crash can lose."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway_valkey.driver import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway_valkey.address import Node
    from dream_gateway_valkey.router import Router

logger = logging.getLogger(__name__)

UNKNOWN = "?"
NEVER_EVICTS = frozenset({"noeviction", UNKNOWN})
SETTINGS = ("maxmemory-policy", "appendonly", "appendfsync", "no-appendfsync-on-rewrite", "save")

LOSSES = {
    "always": "A crash of the server, or of its machine, loses nothing that was answered",
    "everysec": "A crash of the server, or of its machine, loses the last second or two",
    "no": "A crash of the server's machine loses what its system had not written yet",
    UNKNOWN: "What a crash of the server loses is not known: it does not tell its settings",
    "snapshots": "A crash of the server loses everything since its last snapshot",
    "nothing": "The end of the server loses everything: it keeps nothing on disk",
}
"""From what loses least to what loses most, by what a server does to keep data."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one server keeps data. `sync` is a key of `LOSSES`."""

    eviction: str
    sync: str


SILENT = Manner(UNKNOWN, UNKNOWN)
"""A server that tells nothing."""


async def examine(router: Router, node: Node) -> Manner:
    """Return how a server keeps data, as far as it tells. Raises `BrokenError`."""
    try:
        reply = await router.ask(node, "CONFIG", "GET", *SETTINGS)
    except RefusedError:
        return await _examine_without_config(router, node)
    pairs = iter(part.decode() for part in reply)
    found = dict(zip(pairs, pairs, strict=True))
    return Manner(found.get("maxmemory-policy", UNKNOWN), _sync(found))


def _sync(found: Mapping[str, str]) -> str:
    if found.get("appendonly") == "no":
        return "snapshots" if found.get("save", UNKNOWN) else "nothing"
    if "appendonly" not in found or found.get("appendfsync") not in LOSSES:
        return UNKNOWN
    if found.get("no-appendfsync-on-rewrite") == "yes":
        return "no"  # whatever it is else: while the file is rewritten, nothing is synced
    return found["appendfsync"]


async def _examine_without_config(router: Router, node: Node) -> Manner:
    try:
        text = (await router.ask(node, "INFO", "memory", "persistence")).decode()
    except RefusedError:
        return SILENT
    found = dict(line.partition(":")[::2] for line in text.splitlines())
    sync = "snapshots" if found.get("aof_enabled") == "0" else UNKNOWN
    return Manner(found.get("maxmemory_policy", UNKNOWN), sync)


def durability(manners: Sequence[Manner], wait: int, *, cluster: bool) -> str:
    """Return what a crash can lose: of the servers, the one that keeps least decides."""
    sentence = LOSSES[_worst(manners)]
    if wait:
        return f"{sentence}; {_replicas(wait)} what was answered."
    if cluster:
        return f"{sentence}; a failover loses what the replica had not received yet."
    return f"{sentence}."


def warn(manners: Sequence[Manner]) -> None:
    """Log what an operator should know about durability."""
    worst = _worst(manners)
    if worst == UNKNOWN:
        logger.warning(
            "The Valkey server does not tell whether a crash loses counted usage: see that it has "
            "appendonly yes and appendfsync always"
        )
    elif worst != "always":
        logger.warning(
            "The Valkey server may lose counted usage in a crash: set appendonly yes and "
            "appendfsync always (no-appendfsync-on-rewrite no). %s",
            f"{LOSSES[worst]}.",
        )


def evicts(manners: Sequence[Manner]) -> bool:
    """Return whether a server may throw counters away when its memory is full."""
    return any(manner.eviction not in NEVER_EVICTS for manner in manners)


def _worst(manners: Sequence[Manner]) -> str:
    return max((manner.sync for manner in manners), key=list(LOSSES).index, default=UNKNOWN)


def _replicas(count: int) -> str:
    return "a replica has" if count == 1 else f"{count} replicas have"
