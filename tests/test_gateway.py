"""The gateway put together, on SQLite: what a warm check touches, clocks that step, stores that fail."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from dream_gateway.administration import Administration
from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.routes import RouteTable
from dream_gateway.errors import SchemaTooNewError, StoreUnavailableError
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway_sqlite import writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from dream_gateway.model import Project, Verdict

    Start = Callable[..., Any]

HOUR = 3_600
DAY = 24 * HOUR

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Shop:
    """A started gateway with one customer on one tier."""

    gateway: Gateway
    clock: FakeClock
    project: Project
    key: str

    async def spend(self, cost: int = 1) -> Verdict:
        return await self.gateway.admission.key(self.key, cost)

    async def used(self) -> int:
        usage = (await self.gateway.admission.usage(self.project, "ada")).usage
        assert usage is not None
        return usage.used


@asynccontextmanager
async def closed_at_the_end(gateway: Gateway) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await gateway.close()


@asynccontextmanager
async def opened(path: Path, tier: str, **settings: Any) -> AsyncIterator[Shop]:
    clock = FakeClock()
    gateway = Gateway(Settings(store=f"sqlite:///{path}", **settings), clock)
    async with closed_at_the_end(gateway):
        await gateway.start()
        administration = Administration(gateway.records)
        made = await administration.create_platform("shop", Mode.TEST, [parse_tier(tier)], [])
        await administration.create_customer(made.project.id, "ada", None)
        minted = await administration.create_key(made.project.id, "ada")
        yield Shop(gateway, clock, made.project, minted.secret)


def count_statements(shop: Shop) -> list[str]:
    """Return a list that grows with every statement that anybody sends to the store."""
    seen: list[str] = []

    def on_execute(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = shop.gateway.stores.records_engine().sync_engine
    event.listen(engine, "before_cursor_execute", on_execute)
    ledger = shop.gateway.stores.ledger()
    for name in ("take", "give_back", "record", "usage"):
        setattr(ledger, name, _counted(getattr(ledger, name), name, seen))
    return seen


def _counted(call: Callable[..., Any], name: str, seen: list[str]) -> Callable[..., Any]:
    async def counted(*arguments: object) -> object:
        seen.append(name)
        return await call(*arguments)

    return counted


async def warm(shop: Shop) -> None:
    for _ in range(12):
        assert (await shop.spend(500)).allowed


async def test_a_warm_check_makes_no_store_call(tmp_path: Path) -> None:
    async with opened(tmp_path / "dream.db", "pro=1000000/month@100000/s") as shop:
        calls = count_statements(shop)
        await warm(shop)
        assert (await shop.gateway.admission.track(shop.project, "ada", 500, None)).allowed
        assert "take" in calls
        calls.clear()
        edge = Edge(
            admission=shop.gateway.admission,
            routes=RouteTable([]),
            upstream=HttpUpstream(),
            options=None,
        )
        for _ in range(100):
            assert await authorized(edge, shop.key)
            assert (await shop.spend()).allowed
            assert (await shop.gateway.admission.track(shop.project, "ada", 1, None)).allowed
        assert calls == []
        assert await shop.used() == 13 * 500 + 300


async def authorized(edge: Edge, key: str) -> bool:
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/authorize",
        "raw_path": b"/authorize",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + key.encode())],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(scope, receive, send)
    return bool(sent[0]["status"] == 200)


@pytest.mark.parametrize("back", [1, HOUR, 40 * DAY, 3 * 365 * DAY])
async def test_a_clock_that_steps_back_neither_admits_too_much_nor_loses(
    tmp_path: Path, back: int
) -> None:
    async with opened(tmp_path / "dream.db", "free=10/month") as shop:
        admitted = [(await shop.spend()).allowed for _ in range(6)].count(True)
        shop.clock.step(-back)
        before = [(await shop.spend()).allowed for _ in range(30)].count(True)
        assert before in (4, 10)  # The same month, or an earlier one with a limit of its own.
        shop.clock.step(back)
        admitted += [(await shop.spend()).allowed for _ in range(30)].count(True)
        assert admitted + (before if before == 4 else 0) == 10
        assert await shop.used() == 10


async def test_a_rate_survives_a_wall_clock_that_steps(tmp_path: Path) -> None:
    async with opened(tmp_path / "dream.db", "slow=unlimited@5/h") as shop:
        assert [(await shop.spend()).allowed for _ in range(7)] == [True] * 5 + [False] * 2
        for seconds in (-DAY, 3 * DAY, -DAY):
            shop.clock.step(seconds)
            denied = await shop.spend()
            assert denied.code == "rate_limited"
            assert denied.retry_after is not None
            assert 0 < denied.retry_after <= HOUR


async def test_a_change_made_here_holds_here_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "dream.db", "free=2/month") as shop:
        administration = Administration(shop.gateway.records)
        for limit in range(3, 30):
            while (await shop.spend()).allowed:
                pass
            await administration.set_tier(shop.project.id, parse_tier(f"free={limit}/month"))
            # Not a moment later: no task has run in between.
            assert (await shop.spend()).allowed
        assert await shop.used() == 29


async def test_looking_at_usage_by_an_old_tier_lifts_no_limit(tmp_path: Path) -> None:
    async with opened(tmp_path / "dream.db", "free=5/month") as shop:
        assert [(await shop.spend()).allowed for _ in range(2)] == [True, True]
        admission, old = shop.gateway.admission, {"free": parse_tier("free=100/month")}
        customer = await admission.users.customer(shop.project, "ada")
        for used in (2, 5):
            (usage,) = await admission.usages(shop.project, old, [customer])
            assert usage is not None
            assert (usage.used, usage.limit) == (used, 100)
            assert [(await shop.spend()).allowed for _ in range(9)].count(True) == 5 - used
            assert (await shop.spend()).code == "quota_exceeded"


async def test_a_locked_store_stops_no_warm_check_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOCK_DEADLINE_SECONDS", 0.05)
    path = tmp_path / "dream.db"
    async with opened(path, "pro=1000000/month") as shop:
        await warm(shop)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await shop.spend()).allowed
            with pytest.raises(StoreUnavailableError) as caught:
                await shop.spend(900_000)
            assert caught.value.status == 503
            other.execute("ROLLBACK")
        assert (await shop.spend(900_000)).allowed
        assert await shop.used() == 12 * 500 + 1 + 900_000


async def test_a_restart_finds_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "dream.db"
    async with opened(path, "free=10/month") as shop:
        assert [(await shop.spend()).allowed for _ in range(4)] == [True] * 4
        key, project = shop.key, shop.project
    again = Gateway(Settings(store=f"sqlite:///{path}"), FakeClock())
    async with closed_at_the_end(again):
        await again.start()
        verdicts = [await again.admission.key(key, 1) for _ in range(10)]
        assert [v.allowed for v in verdicts] == [True] * 6 + [False] * 4
        assert (await again.admission.usage(project, "ada")).usage.used == 10  # type: ignore[union-attr] # a quota


async def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "dream.db"
    async with opened(path, "free=10/month"):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE schema_readers SET oldest = '9998'")
    gateway = Gateway(Settings(store=f"sqlite:///{path}"), FakeClock())
    with pytest.raises(SchemaTooNewError, match="9999"):
        await gateway.start()
    await gateway.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("9999",)
        ]


async def test_a_gateway_closes_twice_and_without_a_start(tmp_path: Path) -> None:
    never = Gateway(Settings(store=f"sqlite:///{tmp_path}/never.db"), FakeClock())
    await never.close()
    async with opened(tmp_path / "dream.db", "free=10/month") as shop:
        await shop.spend()
        await shop.gateway.close()
    with contextlib.suppress(FileNotFoundError):
        assert list((tmp_path / "dream.db.journal").iterdir()) == []
