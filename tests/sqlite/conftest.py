from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import FakeClock
from dream_gateway_sqlite import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from dream_gateway.storage import Backend

    Run = Callable[[str], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dream.db"


@pytest.fixture
async def backend(path: Path, clock: FakeClock) -> AsyncIterator[Backend]:
    opened = open_backend(f"sqlite:///{path}", clock)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def run_python() -> AsyncIterator[Run]:
    """Start Python programs with pipes; whatever still runs at the end is killed."""
    started: list[asyncio.subprocess.Process] = []

    async def run(program: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=pipe, stdout=pipe, stderr=pipe
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()
