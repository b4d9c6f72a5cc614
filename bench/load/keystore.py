"""A store with many keys, of which some, spread evenly over it, can be asked with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bench.load.servers import gateway
from bench.load.servers.stores import Kept
from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode

if TYPE_CHECKING:
    from bench.load.servers.gateway import Store

ASKED = 1_000
"""How many keys take turns, at most: a working set that fits everybody's cache."""


@dataclass(frozen=True, slots=True)
class KeyStore:
    """A store, and the file of the keys to ask with, one a line, in random order."""

    store: Store
    tokens: Path


def make(path: Path, count: int) -> KeyStore:
    """Make a store with `count` customers, each with a key of its own."""
    store = gateway.make(Kept({"store": f"sqlite:///{path}"}))
    asked = [
        store.key,
        *(keys.mint(KeyKind.CUSTOMER, Mode.TEST) for _ in range(min(count, ASKED) - 1)),
    ]
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        with database:
            for statement in statements():
                database.execute(statement, {"count": count})
            _give(database, asked[1:])
    Random(count).shuffle(asked)  # noqa: S311 - an order, not a secret
    tokens = path.with_suffix(".tokens")
    tokens.write_text("\n".join(asked) + "\n")
    return KeyStore(store, tokens)


def statements() -> list[str]:
    """Return the statements that fill a store."""
    text = Path(__file__).with_name("fill.sql").read_text()
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [each.strip() for each in bare.split(";") if each.strip()]


def _give(database: sqlite3.Connection, secrets: list[str]) -> None:
    """Give these secrets to keys at even distances."""
    found = "SELECT position FROM api_keys WHERE last4 = '0000' ORDER BY position"
    places = [row[0] for row in database.execute(found)]
    step = max(1, len(places) // max(1, len(secrets)))
    database.executemany(
        "UPDATE api_keys SET digest = ?, last4 = ? WHERE position = ?",
        [
            (keys.digest(secret), keys.last4_of(secret), place)
            for secret, place in zip(secrets, places[::step], strict=False)
        ],
    )
