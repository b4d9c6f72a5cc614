"""Hash slots: which part of a cluster a key belongs to, and who serves it."""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from typing import Any

from dream_gateway_valkey.address import Node

SLOTS = 16_384


def slot_of(key: bytes) -> int:
    """Return the slot of a key: CRC-16 (XMODEM) of its hash tag, or of all of it."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


@dataclass(frozen=True, slots=True)
class Layout:
    """The primary of each slot (`None`: nobody serves it), how many have none, and every server."""

    owners: list[Node | None]
    holes: int
    servers: tuple[Node, ...]


def layout(reply: Any, asked: Node) -> Layout:
    """Return what the reply to `CLUSTER SLOTS` says.

    A server that does not know its own host is where it was asked.
    """
    table: list[Node | None] = [None] * SLOTS
    servers: dict[Node, None] = {}
    for first, last, *found in reply:
        nodes = [Node(_host(each[0], asked), int(each[1])) for each in found]
        table[first : last + 1] = nodes[:1] * (last - first + 1)
        servers |= dict.fromkeys(nodes)
    return Layout(table, table.count(None), tuple(servers))


def redirected(text: str, asked: Node) -> tuple[int, Node]:
    """Return the slot and the server that a `MOVED` or `ASK` names."""
    _, slot, place = text.split(" ")[:3]
    host, _, port = place.rpartition(":")
    return int(slot), Node(_host(host.encode(), asked), int(port))


def _host(name: bytes | None, asked: Node) -> str:
    known = name not in {None, b"", b"?"}
    return name.decode() if known and name is not None else asked.host
