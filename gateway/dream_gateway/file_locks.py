"""Locks that a process holds on a file for life (flock(2)): whoever gets one has proof that it is gone.

The system lets go of a lock when the last descriptor of its open file is closed, as a killed process's
are. A lock is the file's, whatever name that has meanwhile.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def take(file: int) -> bool:
    """Lock an open file until it is closed; tell whether nobody else has it. Never waits."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(path: Path) -> int:
    """Create a file, and return it locked. Raises `BlockingIOError` if somebody else holds it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not take(file):
        os.close(file)
        raise BlockingIOError
    return file


def is_held(path: Path) -> bool:
    """Tell whether a process that lives holds a file; nobody holds one that is not there."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not take(file)
    finally:
        os.close(file)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file inside of the block; waits for whoever has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
