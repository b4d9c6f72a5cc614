"""The lease journal: what a worker has spent of each lease, in a file that outlives the process.

The file is memory-mapped, so a spend is one store into the page cache, which survives `kill -9`. Its
owner holds a lock on it for life: whoever can lock it has proof that the owner is dead, and gives back
what the journal says was not spent. A journal bears the boot id of its machine: after a reboot the page
cache is gone, the file proves nothing, and its leases count as spent.

Layout: a header of 128 bytes, then slots of two native 64-bit integers, lease number and units spent.
A lease's number is its place in the worker's sequence, times the number of shards, plus the shard of its
counter. Number 0 is a free slot.
"""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway import file_locks
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import SHARDS, Return

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"dreamgw2"
HEADER = struct.Struct("=8s36s36s16s32x")
SLOT_BYTES = 16
SLOTS = 131_072
PAGE = bytes(4096)
"""Slots nobody has used, as most are: they are passed over a page at a time."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return this boot's id; where the system has none, an id that never proves anything."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return os.urandom(16).hex()


class Journal:
    """One worker's journal. Used from one thread."""

    def __init__(self, folder: Path, ledger: str, boot: str) -> None:
        """Create and lock a new journal in `folder`, which is made for this user alone if need be.

        Raises `StoreUnavailableError` where the folder cannot be written or the disk is full.
        """
        self.worker = os.urandom(8).hex()
        self.path = folder / f"{self.worker}.journal"
        self._sequence = 0
        header = HEADER.pack(MAGIC, boot.encode(), ledger.encode(), self.worker.encode())
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = _create_locked(self.path, header)
        except OSError as exc:
            raise StoreUnavailableError(
                f"The folder of the lease journals cannot be written: {folder}: {exc.strerror}."
            ) from exc
        self._map = mmap.mmap(self._file, HEADER.size + SLOTS * SLOT_BYTES)
        self._bytes = memoryview(self._map)
        self.cells = self._bytes[HEADER.size :].cast("q")
        """Slot `n` is cells `n` (lease number) and `n + 1` (units spent); `n` is even."""
        self._free = list(range((SLOTS - 1) * 2, -2, -2))

    def open(self, shard: int) -> tuple[str, int]:
        """Return a new lease id and its slot, noted with nothing spent before it is asked for.

        `shard` is that of the counter (`dream_gateway.storage.shard_of`), which the return will need.
        """
        if not self._free:
            raise StoreUnavailableError("Too many counters are in use at once on this worker.")
        slot = self._free.pop()
        self._sequence += 1
        number = self._sequence * SHARDS + shard
        self.cells[slot + 1] = 0
        self.cells[slot] = number
        return f"{self.worker}-{number:x}", slot

    def free(self, slot: int) -> None:
        """Forget a lease: the ledger knows that it is closed."""
        self.cells[slot] = 0
        self._free.append(slot)

    def close(self) -> None:
        """Release the file. It is deleted if no lease is open, and left for others otherwise."""
        empty = len(self._free) == SLOTS
        self.cells.release()
        self._bytes.release()
        self._map.close()
        if empty:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class DeadJournal:
    """A journal whose owner is proved dead, locked by us: `returns` is what the ledger must hear."""

    path: Path
    returns: tuple[Return, ...]
    file: int

    def remove(self) -> None:
        """Delete the journal: the ledger has its returns."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Unlock the journal, leaving it for a later try."""
        os.close(self.file)


def dead_journals(folder: Path, ledger: str, boot: str) -> Iterator[DeadJournal]:
    """Yield the journals of this ledger whose owners are dead. Foreign and torn files are left."""
    for path in sorted(folder.glob("*.journal")):
        with suppress(OSError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            found = _examine(path, file, ledger, boot)
            if found is None:
                os.close(file)
            else:
                yield found


def noted(folder: Path, ledger: str, boot: str) -> dict[str, int]:
    """Return what workers of this ledger, alive or dead, have noted as spent of leases they hold.

    Each number is one that was true at some moment of the call, or later. A lease that is closed
    meanwhile may be left out.
    """
    found: dict[str, int] = {}
    for path in sorted(folder.glob("*.journal")):
        with suppress(OSError):
            found |= _notes(path, ledger, boot)
    return found


def in_use(folder: Path) -> bool:
    """Tell whether a worker that lives has a journal in the folder."""
    return any(file_locks.is_held(path) for path in folder.glob("*.journal"))


def _notes(path: Path, ledger: str, boot: str) -> dict[str, int]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.pread(file, HEADER.size, 0)
        if len(content) < HEADER.size:
            return {}
        magic, written_boot, owner_ledger, worker = HEADER.unpack(content)
        if magic != MAGIC or _text(owner_ledger) != ledger[:36] or _text(written_boot) != boot:
            return {}
        # A slot may be freed between its number and its units. Who still has it at a second look
        # had it when the first was done.
        first = {each.lease: each.spent for each in _returns(file, _text(worker), proved=True)}
        still = {each.lease for each in _returns(file, _text(worker), proved=True)}
    finally:
        os.close(file)
    return {lease: spent for lease, spent in first.items() if lease in still and spent is not None}


def _create_locked(path: Path, header: bytes) -> int:
    """Create the file under another name, so that nobody finds it before it is locked."""
    unborn = path.with_suffix(".new")
    file = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # A hole written through a map on a full disk is a SIGBUS: have the room beforehand.
        os.posix_fallocate(file, 0, HEADER.size + SLOTS * SLOT_BYTES)
        os.pwrite(file, header, 0)
        if not file_locks.take(file):
            # With two owners neither's death could be proved, nor its notes be trusted.
            raise BlockingIOError(f"{unborn} is locked by somebody else.")
        unborn.rename(path)
    except OSError:
        os.close(file)
        unborn.unlink(missing_ok=True)
        raise
    return file


def _examine(path: Path, file: int, ledger: str, boot: str) -> DeadJournal | None:
    content = os.pread(file, HEADER.size, 0)
    if len(content) < HEADER.size:
        return None
    magic, written_boot, owner_ledger, worker = HEADER.unpack(content)
    if magic != MAGIC or _text(owner_ledger) != ledger[:36]:
        return None
    if not file_locks.take(file):
        return None
    if not path.exists():
        return None  # Somebody else settled it between our look and our lock.
    proved = _text(written_boot) == boot
    return DeadJournal(path, tuple(_returns(file, _text(worker), proved)), file)


def _returns(file: int, worker: str, proved: bool) -> Iterator[Return]:
    slots = os.pread(file, SLOTS * SLOT_BYTES, HEADER.size)
    for start in range(0, len(slots), len(PAGE)):
        page = slots[start : start + len(PAGE)]
        if page == PAGE:
            continue
        for number, spent in struct.iter_unpack(
            "=qq", page[: len(page) // SLOT_BYTES * SLOT_BYTES]
        ):
            if number:
                yield Return(f"{worker}-{number:x}", spent if proved else None, number % SHARDS)


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", "replace")
