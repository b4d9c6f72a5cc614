"""Hash slots: which part of a cluster a key belongs to, and who serves it."""

from __future__ import annotations

from binascii import crc_hqx
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


def owners(reply: Any, asked: Node) -> list[Node | None]:
    """Return the primary of each slot from the reply to `CLUSTER SLOTS`; `None`: nobody serves it.

    A server that does not know its own host is where it was asked.
    """
    table: list[Node | None] = [None] * SLOTS
    for first, last, primary, *_ in reply:
        node = Node(_host(primary[0], asked), int(primary[1]))
        table[first : last + 1] = [node] * (last - first + 1)
    return table


def redirected(text: str, asked: Node) -> tuple[int, Node]:
    """Return the slot and the server that a `MOVED` or `ASK` names."""
    _, slot, place = text.split(" ")[:3]
    host, _, port = place.rpartition(":")
    return int(slot), Node(_host(host.encode(), asked), int(port))


def _host(name: bytes | None, asked: Node) -> str:
    known = name not in {None, b"", b"?"}
    return name.decode() if known and name is not None else asked.host
