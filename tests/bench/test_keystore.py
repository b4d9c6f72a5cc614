"""A store with many keys: filled by SQL, asked with keys that were minted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.load import keystore

from dream_gateway import keys

if TYPE_CHECKING:
    from pathlib import Path


def test_keys_to_ask_with_are_spread_over_the_store(tmp_path: Path) -> None:
    made = keystore.make(tmp_path / "keys.db", 3_000)
    asked = made.tokens.read_text().split()
    assert len(set(asked)) == keystore.ASKED
    with closing(sqlite3.connect(tmp_path / "keys.db")) as database:
        places = dict(database.execute("SELECT digest, position FROM api_keys"))
        customers = database.execute("SELECT count(DISTINCT customer_id) FROM api_keys").fetchone()
    assert customers == (3_000,)
    found = sorted(places[keys.digest(key)] for key in asked)
    assert found[0] < 10
    assert found[-1] > 2_900
    assert max(later - one for one, later in pairwise(found)) < 10


def test_a_store_may_have_one_key(tmp_path: Path) -> None:
    made = keystore.make(tmp_path / "keys.db", 1)
    assert made.tokens.read_text().split() == [made.store.key]
