"""Opens LMDB files, each once in a process, as LMDB demands: its locks belong to the process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lmdb

if TYPE_CHECKING:
    from dream_gateway_lmdb.address import Address


@dataclass(slots=True)
class _Opened:
    environment: lmdb.Environment
    users: int = 0


class Environments:
    """The files that are open, and how many use each. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, _Opened] = {}

    def acquire(self, address: Address) -> lmdb.Environment:
        """Return the file's environment, opened (and the file made) if nobody has it yet."""
        name = str(address.path)
        with self._lock:
            opened = self._opened.get(name)
            if opened is None:
                opened = self._opened[name] = _Opened(_open(address))
            opened.users += 1
            return opened.environment

    def release(self, address: Address) -> None:
        """Close the file if this was its last user."""
        name = str(address.path)
        with self._lock:
            opened = self._opened[name]
            opened.users -= 1
            if not opened.users:
                del self._opened[name]
                opened.environment.close()


def _open(address: Address) -> lmdb.Environment:
    # `sync` and `metasync` are on by default: a commit returns once it is on the disk.
    return lmdb.open(str(address.path), map_size=address.map_size, subdir=False)


IN_THIS_PROCESS = Environments()
"""Two backends of one process must share an open file, so this cannot belong to either of them."""
