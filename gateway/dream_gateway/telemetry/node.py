"""The numbers of a node's workers, in a folder that all of them share.

Each worker writes its own file every few seconds, whole, and holds a lock on another for life:
whoever can lock that one has proof that the worker is gone. Then what lasts of its numbers, those that
only grow, goes into the node's *past*, and the file goes. So what is told of the node, its past and its
workers, never goes backwards, whoever dies when: the past names the files that are in it, which are not
added again if this was interrupted before they were gone. What is told was written first.

Blocks for as long as files take; for a thread.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from dream_gateway import file_locks, metrics
from dream_gateway.metrics import HistogramValue, lasting, merged

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.metrics import Readings, Value

PAST = "past"
FORGET_SECONDS = 86_400.0
"""Folders of other nodes that nobody has written to for so long are deleted."""


class Row(msgspec.Struct, array_like=True):
    """One value of a metric; a histogram's is its counts and its sum."""

    name: str
    labels: tuple[str, ...]
    value: int | float | tuple[list[int], float]


class Page(msgspec.Struct):
    """A file: numbers, whether their worker said good-bye, and of the past, whose they are, too."""

    rows: list[Row]
    ended: bool = False
    files: list[str] = []


class Node:
    """One worker's view of the folder. `name` is the worker's, and nobody else's ever."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create the folder, and take the worker's lock. Raises `OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = name
        self._alive: int | None = file_locks.hold(folder / f"{name}.alive")
        _forget(folder)

    def write(self, readings: Readings, *, ended: bool = False) -> None:
        """Write this worker's numbers over what it wrote before; once it has ended, no more."""
        if self._alive is not None:
            self._put(self._name, Page(_rows(readings), ended))
            if ended:
                os.close(self._alive)
                self._alive = None

    def read(self) -> Readings:
        """Return the node's numbers; those of workers that are gone go into its past."""
        with file_locks.alone(self._folder / "lock"):
            past = self._get(PAST) or Page([])
            pages = {path.stem: self._get(path.stem) for path in self._folder.glob("*.json")}
            pages.pop(PAST, None)
            gone = {name: page for name, page in pages.items() if page and self._is_gone(name)}
            if gone or past.files:
                past = self._fold(past, gone)
            living = [page for name, page in pages.items() if page and name not in gone]
        return merged([_readings(past), *map(_readings, living)])

    def _fold(self, past: Page, gone: dict[str, Page]) -> Page:
        """Put the numbers of who is gone into the past, once."""
        new = {name: page for name, page in gone.items() if name not in past.files}
        deaths = sum(not page.ended for page in new.values())
        parts = [lasting(_readings(page)) for page in new.values()]
        died: Readings = {metrics.DEATHS.name: {(): deaths}}
        past = Page(_rows(merged([_readings(past), *parts, died])), files=sorted(gone))
        self._put(PAST, past)
        for name in gone:
            for suffix in ("json", "alive"):
                (self._folder / f"{name}.{suffix}").unlink(missing_ok=True)
        return past

    def _is_gone(self, name: str) -> bool:
        if name == self._name:
            return self._alive is None
        return not file_locks.is_held(self._folder / f"{name}.alive")

    def _put(self, name: str, page: Page) -> None:
        unborn = self._folder / f"{name}.new"
        unborn.write_bytes(msgspec.json.encode(page))
        unborn.rename(self._folder / f"{name}.json")

    def _get(self, name: str) -> Page | None:
        try:
            return msgspec.json.decode((self._folder / f"{name}.json").read_bytes(), type=Page)
        except (OSError, msgspec.DecodeError):
            return None  # It was never written, or a machine that lost its power tore it.


def _forget(folder: Path) -> None:
    """Delete what other nodes left behind that had this place for their journals."""
    for other in folder.parent.iterdir():
        with suppress(OSError):
            if other != folder and other.stat().st_mtime < time.time() - FORGET_SECONDS:
                for path in other.iterdir():
                    path.unlink()
                other.rmdir()


def _rows(readings: Readings) -> list[Row]:
    return [
        Row(
            name,
            labels,
            (list(value.counts), value.sum) if isinstance(value, HistogramValue) else value,
        )
        for name, values in readings.items()
        for labels, value in values.items()
    ]


def _readings(page: Page) -> Readings:
    readings: Readings = {}
    for name, labels, value in ((row.name, row.labels, row.value) for row in page.rows):
        if name in metrics.CATALOGUE and len(labels) == len(metrics.CATALOGUE[name].labels):
            readings.setdefault(name, {})[labels] = _value(value)
    return readings


def _value(value: int | float | tuple[list[int], float]) -> Value:
    return HistogramValue(tuple(value[0]), value[1]) if isinstance(value, tuple) else value
