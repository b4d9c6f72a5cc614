"""Passwords, hashed by Argon2id (RFC 9106) in processes that give way to everything else.

Hashing takes tens of milliseconds of a core. Each process works on one password at a time, at the lowest
priority of the machine, so that the event loop, which serves the edge, is never behind it.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from argon2 import PasswordHasher

from dream_gateway.errors import OverloadedError

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from dream_gateway_local.options import LocalOptions

SCRIPT = Path(__file__).with_name("hasher.py")
RETRY_SECONDS = 2.0
TRIES = 2
LONGEST_PASSWORD = 1024
"""Characters: Argon2 takes any number, and the form that brings them must end somewhere."""

SALT_BYTES, HASH_BYTES = 16, 32


class Passwords:
    """Hashes and checks passwords. Use it from one event loop.

    Past the bound of those who wait, `hash` and `check` raise `OverloadedError`.
    """

    def __init__(self, options: LocalOptions) -> None:
        self._wanted = PasswordHasher(
            time_cost=options.argon2_passes, memory_cost=options.argon2_memory, parallelism=1
        )
        parameters = (str(options.argon2_memory), str(options.argon2_passes))
        self._hashers = [_Hasher(parameters) for _ in range(options.hash_processes)]
        self._free: asyncio.Queue[_Hasher] = asyncio.Queue()
        for hasher in self._hashers:
            self._free.put_nowait(hasher)
        self._most = options.hash_waiting + options.hash_processes
        self._waiting = 0
        self._nobodys = _made_up(options.argon2_memory, options.argon2_passes)

    async def hash(self, password: str) -> str:
        """Return a password's hash, with its parameters and salt."""
        return str(await self._ask("hash", password))

    async def check(self, hashed: str | None, password: str) -> bool:
        """Return whether it is the password; without a hash it is not, and takes as long."""
        fits = await self._ask("check", hashed or self._nobodys, password)
        return fits is True and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than are set now."""
        return self._wanted.check_needs_rehash(hashed)

    async def aclose(self) -> None:
        """End the processes; what is being hashed is given up. Safe to call twice."""
        for hasher in self._hashers:
            await hasher.aclose()

    async def _ask(self, *words: str) -> object:
        if self._waiting >= self._most:
            raise OverloadedError(retry_after=RETRY_SECONDS)
        self._waiting += 1
        try:
            hasher = await self._free.get()
            try:
                return await hasher.ask(words)
            finally:
                self._free.put_nowait(hasher)
        finally:
            self._waiting -= 1


class _Hasher:
    """One process, started when it is first needed and again should it end; for one caller at a time."""

    def __init__(self, parameters: tuple[str, ...]) -> None:
        self._parameters = parameters
        self._process: Process | None = None

    async def ask(self, words: tuple[str, ...]) -> object:
        """Return the answer. Raises `OverloadedError` if the process dies of the question, twice."""
        for _ in range(TRIES):
            process = self._process = self._process or await self._start()
            answer = await self._answer(process, msgspec.json.encode(words) + b"\n")
            if answer is not None:
                return answer
        raise OverloadedError(retry_after=RETRY_SECONDS)

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _answer(self, process: Process, question: bytes) -> object | None:
        """Return the answer, `None` from a process that has ended.

        A caller that is cancelled leaves an answer nobody reads, so the process goes with it.
        """
        assert process.stdin is not None  # noqa: S101 - piped
        assert process.stdout is not None  # noqa: S101 - piped
        line = b""
        try:
            process.stdin.write(question)
            line = await process.stdout.readline()
        except OSError:
            pass
        finally:
            if not line.endswith(b"\n"):
                await self.aclose()
        return msgspec.json.decode(line) if line.endswith(b"\n") else None

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            *self._parameters,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )


def _made_up(memory: int, passes: int) -> str:
    """Return a hash of no password, which takes as long to check as a real one (PHC string format)."""
    salt, made_up = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={memory},t={passes},p=1${salt}${made_up}"
