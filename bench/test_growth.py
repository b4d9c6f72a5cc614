"""A lease costs the same whether a thousand customers have usage or a million, on every ledger."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import valkey
from tests.servers.postgres import own_server
from tests.servers.valkey import Server

from dream_gateway.clock import SystemClock
from dream_gateway.plugins import open_backend
from dream_gateway.storage import Claim, Quota, Return, shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from dream_gateway.storage import Ledger

FEW, MANY = 1_000, 1_000_000
LEASES = 200
ROUNDS = 3
MOST = 3.0
"""How much dearer a lease may be among a million; a scan would make it a thousand times as dear."""

LUA = """
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  server.call('HSET', KEYS[1] .. n, 'used', 1, 'out', 0)
end
"""
CHUNK = 50_000


def on_sqlite(folder: Path, customers: int) -> Iterator[str]:
    path = folder / f"{customers}.db"
    asyncio.run(_leases(f"sqlite:///{path}", 1))
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    fill = f"INSERT OR IGNORE INTO ledger_counters {rows} SELECT 'p/' || i, 1, 0, NULL FROM n"  # noqa: S608 - ours
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(fill, (customers,))
    yield f"sqlite:///{path}"


def on_postgres(_: Path, customers: int) -> Iterator[str]:
    with own_server("-c", "fsync=off") as server:
        asyncio.run(_leases(server.url, 1))
        asyncio.run(_fill_postgres(server.url, customers))
        yield server.url


def on_valkey(_: Path, customers: int) -> Iterator[str]:
    server = Server()
    try:
        asyncio.run(_leases(server.url, 1))
        with valkey.Valkey(port=server.port) as client:
            (name,) = [key for key in client.keys("*") if key.endswith(b"}:i")][:1]
            prefix = name.partition(b"{")[0].decode()
            base = f"{prefix}{{{shard_of('p/1')}}}:c:p/"
            for start in range(1, customers + 1, CHUNK):
                client.eval(LUA, 1, base, start, min(start + CHUNK - 1, customers))
        yield server.url
    finally:
        server.remove()


@pytest.mark.own_ratio
@pytest.mark.parametrize("on", [on_sqlite, on_postgres, on_valkey])
def test_a_lease_among_a_million(
    benchmark: BenchmarkFixture, tmp_path: Path, on: Callable[[Path, int], Iterator[str]]
) -> None:
    store = contextmanager(on)
    with store(tmp_path, FEW) as few, store(tmp_path, MANY) as many:
        # In turns, so that a machine that slows down slows down both.
        pairs = [
            (asyncio.run(_leases(few, FEW)), asyncio.run(_leases(many, MANY)))
            for _ in range(ROUNDS)
        ]
        benchmark.pedantic(lambda: asyncio.run(_leases(many, MANY)), rounds=1)  # type: ignore[no-untyped-call]
    ratio = median(of_many for _, of_many in pairs) / median(of_few for of_few, _ in pairs)
    assert ratio <= MOST, f"{ratio:.1f} times as dear"


async def _leases(url: str, customers: int) -> float:
    """Take and give back leases of customers here and there; return the seconds that took."""
    backend = open_backend(url, SystemClock())
    await backend.start()
    try:
        ledger, chance = backend.ledger(), Random()  # noqa: S311 - no secret
        await _lease(ledger, 1)
        began = perf_counter()
        for _ in range(LEASES):
            await _lease(ledger, chance.randint(1, customers))
        return perf_counter() - began
    finally:
        await backend.close()


async def _lease(ledger: Ledger, customer: int) -> None:
    name, counter = uuid4().hex, f"p/{customer}"
    (grant,) = await ledger.take([Claim(name, counter, Quota(None), 5, 5)])
    assert grant.granted == 5
    await ledger.give_back([Return(name, 5, shard_of(counter))])


async def _fill_postgres(url: str, customers: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        rows = "SELECT 'p/' || n, 1, 0, NULL FROM generate_series(1, $1::int) n"
        fill = f"INSERT INTO ledger_counters {rows} ON CONFLICT DO NOTHING"
        await connection.execute(fill, customers)
        await connection.execute("ANALYZE ledger_counters")
    finally:
        await connection.close()
