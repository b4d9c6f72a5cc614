"""Passwords, hashed by Argon2id (RFC 9106) in threads that give way to everything else.

Hashing takes tens of milliseconds of a core, and the GIL is released meanwhile. The threads have the
lowest priority of the machine, so that the event loop, which serves the edge, is not behind them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dream_gateway.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway_local.options import LocalOptions

T = TypeVar("T")

NICENESS = 19
"""The lowest priority there is (setpriority(2))."""

RETRY_SECONDS = 2.0
LONGEST_PASSWORD = 1024
"""Characters: Argon2 takes any number, and the form that brings them must end somewhere."""


class Passwords:
    """Hashes and checks passwords. Use it from one event loop.

    Past the bound of those who wait, `hash` and `check` raise `OverloadedError`.
    """

    def __init__(self, options: LocalOptions) -> None:
        self._hasher = PasswordHasher(
            time_cost=options.argon2_passes,
            memory_cost=options.argon2_memory,
            parallelism=1,
        )
        self._threads = ThreadPoolExecutor(
            options.hash_threads, thread_name_prefix="password", initializer=_give_way
        )
        self._most = options.hash_waiting + options.hash_threads
        self._waiting = 0
        self._nobodys = ""

    async def open(self) -> None:
        """Make the hash that is checked where there is no account."""
        self._nobodys = await self.hash("nobody's")

    async def hash(self, password: str) -> str:
        """Return a password's hash, with its parameters and salt."""
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, hashed: str | None, password: str) -> bool:
        """Return whether it is the password; without a hash it is not, and takes as long."""
        fits = await self._run(lambda: _verify(self._hasher, hashed or self._nobodys, password))
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than are set now."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let nobody wait any more; what is being hashed is hashed to its end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._most:
            raise OverloadedError(retry_after=RETRY_SECONDS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _verify(hasher: PasswordHasher, hashed: str, password: str) -> bool:
    try:
        return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _give_way() -> None:
    """Give the calling thread, and no other, the lowest priority; only Linux can."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
