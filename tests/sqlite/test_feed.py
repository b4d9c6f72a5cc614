from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing, closing
from typing import TYPE_CHECKING

from tests.waiting import PATIENCE_SECONDS

from dream_gateway.storage import Change, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dream_gateway.storage import Backend
    from dream_gateway.testing import FakeClock

CREATE = """
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT, ref TEXT, at FLOAT)
"""


def execute(path: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for sql, values in statements:
            connection.execute(sql, values)


def row(subject: str, ref: str, at: float) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO changes (subject, ref, at) VALUES (?, ?, ?)", (subject, ref, at)


async def read_some(follower: object) -> list[Change]:
    seen: Sequence[Change] = ()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen:
            seen = await anext(follower)  # type: ignore[call-overload]  # an async generator
    return list(seen)


async def test_a_table_that_comes_later_is_followed(path: Path, backend: Backend) -> None:
    async with aclosing(backend.feed().follow()) as follower:  # type: ignore[type-var]  # it is one
        assert list(await anext(follower)) == []
        execute(path, (CREATE, ()), row("tier", "prj", 1.0))
        assert await read_some(follower) == [Change(Subject.TIER, "prj")]


async def test_a_subject_of_a_newer_version_means_everything(path: Path, backend: Backend) -> None:
    execute(path, (CREATE, ()))
    async with aclosing(backend.feed().follow()) as follower:  # type: ignore[type-var]  # it is one
        await anext(follower)
        execute(path, row("planet", "x", 1.0))
        assert await read_some(follower) == [Change(Subject.ALL, "x")]


async def test_changes_that_were_pruned_unread_mean_everything(
    path: Path, backend: Backend
) -> None:
    execute(path, (CREATE, ()), row("tier", "a", 1.0))
    async with aclosing(backend.feed().follow()) as follower:  # type: ignore[type-var]  # it is one
        await anext(follower)
        rows = [row("tier", name, 1.0) for name in "bcd"]
        execute(path, *rows, ("DELETE FROM changes WHERE ref < 'd'", ()))
        assert await read_some(follower) == [Change(Subject.ALL, "")]


async def test_old_changes_are_forgotten_but_for_the_newest(
    path: Path, backend: Backend, clock: FakeClock
) -> None:
    old, new = clock.now() - 3601, clock.now() + 500
    execute(path, (CREATE, ()), row("tier", "old", old), row("tier", "new", new))
    execute(path, row("tier", "odd", old))
    async with aclosing(backend.feed().follow()) as follower:  # type: ignore[type-var]  # it is one
        await anext(follower)
        clock.advance(601)
        await anext(follower)
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT ref FROM changes ORDER BY seq").fetchall()
    assert kept == [("new",), ("odd",)]
