"""Backups of a gateway whose stores are one file: taken while it serves, with no lease left open.

A lease is a promise to a worker that will not be there when the file is put back, so every open one is
settled in the copy: with what its worker has noted in its journal, which is read after the copy was made
and so has every unit that was spent before, and else in full. Nothing that was admitted before the copy
is missing in it; what was not spent, or only afterwards, may be counted.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import quote

from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import OneFile, check_there
from dream_gateway.errors import ConfigurationError, StoreCorruptError, StoreUnavailableError
from dream_gateway.housekeeping import RETURNS_AT_ONCE
from dream_gateway.journal import boot_id, in_use, noted
from dream_gateway.plugins import open_backend
from dream_gateway.records.migrate import revision_of
from dream_gateway.storage import Return, Role, shard_of
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dream_gateway.settings import Settings
    from dream_gateway.storage import Backend

NEEDED = frozenset({Role.RECORDS, Role.LEDGER})
INSTEAD = (
    "Only an SQLite file that holds everything is backed up by this command. Of PostgreSQL, run "
    "pg_dump --format=custom --file=FILE URL, and pg_restore --clean --if-exists --dbname=URL FILE with "
    "every node stopped; of Valkey, copy its append-only or RDB file."
)


@runtime_checkable
class FileStore(OneFile, Protocol):
    """A backend whose state is one file that can be copied."""

    def copy_to(self, target: Path) -> None:
        """Write what is committed at one moment into a new file. Blocks; writers go on."""
        ...

    def open_leases(self) -> Sequence[tuple[str, str]]:
        """Return the id and the counter of every lease that is out. Blocks."""
        ...

    def tidy(self) -> None:
        """Have rates begin anew, and all be in the one file, found whole. Blocks.

        Rates go by a machine's own clock, which means nothing on another or after a boot. Raises
        `StoreCorruptError`.
        """
        ...


async def back_up(settings: Settings, target: Path) -> Mapping[str, object]:
    """Write a backup to a new file; return what became of the leases that were out.

    Raises `ConfigurationError` if the file is there, or the stores are not one file, and
    `StoreNotFoundError`, `StoreCorruptError` or `StoreUnavailableError` where one cannot be made.
    """
    _check_new(target)
    stores = Stores(settings, SystemClock())
    source = _file_store(stores)
    check_there(source)
    unfinished = _unfinished(target)
    unfinished.unlink(missing_ok=True)
    try:
        await stores.start()
        identity, folder = await stores.ledger().identity(), stores.journal_dir()
        with _named(unfinished, source.file, target):
            await asyncio.to_thread(source.copy_to, unfinished)
            notes = noted(folder, identity, boot_id())
            done = await _settle(unfinished, notes, source.file)
            unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
        await stores.close()
    return {"file": str(target), **done}


async def restore(settings: Settings, source: Path, *, replace: bool) -> Mapping[str, object]:
    """Put a backup into the place of the store. No worker may run.

    What was there is kept beside it, under the name that is returned. Raises `ConfigurationError` if
    something is there and is not to be replaced or a worker runs, and what a damaged or newer backup
    raises.
    """
    _check_there(source)
    stores = Stores(settings, SystemClock())
    place = _file_store(stores).file
    folder = stores.journal_dir()
    await stores.close()
    if in_use(folder):
        raise ConfigurationError(
            f"Workers run: {folder} has their journals. Stop the gateway first."
        )
    if place.exists() and not replace:
        raise ConfigurationError(f"{place} is there; with --replace it is kept under another name.")
    unfinished = _unfinished(place)
    unfinished.unlink(missing_ok=True)
    try:
        with _named(unfinished, source, place):
            await _copied(source, unfinished)
            done = await _settle(unfinished, {}, source)
        kept = _set_aside(place)
        unfinished.rename(place)
    finally:
        unfinished.unlink(missing_ok=True)
    return {"store": str(place), "kept": kept, **done}


def _check_new(target: Path) -> None:
    if target.exists():
        raise ConfigurationError(f"{target} is there already; a backup is a new file.")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise ConfigurationError(f"{target.parent} is no folder that can be written.")


def _check_there(source: Path) -> None:
    if not source.is_file():
        raise ConfigurationError(f"{source} is not a file.")


def _file_store(stores: Stores) -> FileStore:
    found = stores.each()
    backend: object = found[0][2]
    if len(found) == 1 and isinstance(backend, FileStore):
        return backend
    raise ConfigurationError(INSTEAD)


def _opened(file: Path) -> Backend:
    return open_backend(f"sqlite:///{quote(str(file.absolute()))}", SystemClock())


async def _copied(source: Path, target: Path) -> None:
    backend: object = _opened(source)
    assert isinstance(backend, FileStore)  # noqa: S101 - by its scheme
    await asyncio.to_thread(backend.copy_to, target)


def _unfinished(target: Path) -> Path:
    """Return where a file is made before it has its name."""
    return target.absolute().with_name(f"{target.name}.unfinished")


@contextmanager
def _named(unfinished: Path, origin: Path, target: Path) -> Iterator[None]:
    """Have errors name a file that people know: damage is the origin's, the rest the target's."""
    try:
        yield
    except OSError as exc:
        raise StoreUnavailableError(f"{target} cannot be written: {exc.strerror}.") from exc
    except StoreCorruptError as exc:
        raise StoreCorruptError(exc.detail.replace(str(unfinished), str(origin))) from exc
    except StoreUnavailableError as exc:
        detail = exc.detail.replace(str(unfinished), str(target))
        known = any(str(each) in detail for each in (origin, target))
        raise StoreUnavailableError(detail if known else f"{target}: {detail}") from exc


async def _settle(file: Path, notes: Mapping[str, int], origin: Path) -> dict[str, object]:
    """Close every lease in a copy of `origin`.

    Returns how many there were, and of how many it was not known.
    """
    backend = _opened(file)
    assert isinstance(backend, FileStore)  # noqa: S101 - by its scheme
    try:
        await backend.start()
        revision = await revision_of(backend.records_engine())
        if revision is None:
            raise ConfigurationError(f"{origin} holds no records of a gateway.")
        leases = await asyncio.to_thread(backend.open_leases)
        returns = [Return(lease, notes.get(lease), shard_of(counter)) for lease, counter in leases]
        for at in range(0, len(returns), RETURNS_AT_ONCE):
            await backend.ledger().give_back(returns[at : at + RETURNS_AT_ONCE])
    finally:
        await backend.close()
    await asyncio.to_thread(backend.tidy)
    unknown = sum(each.spent is None for each in returns)
    return {"revision": revision, "leases": len(returns), "countedInFull": unknown}


def _set_aside(place: Path) -> str | None:
    """Rename a store's file, with its log and index, to a name that nothing has yet.

    A log without its file goes, too: SQLite would apply it to the one that takes its place.
    """
    parts = [place.with_name(place.name + suffix) for suffix in ("", "-wal", "-shm")]
    if not any(part.exists() for part in parts):
        return None
    number = 1
    taken = {each.name for each in place.parent.iterdir()}
    while any(name.startswith(f"{place.name}.before-restore-{number}") for name in taken):
        number += 1
    kept = place.with_name(f"{place.name}.before-restore-{number}")
    for part in parts:
        if part.exists():
            part.rename(kept.with_name(kept.name + part.name.removeprefix(place.name)))
    return str(kept)
