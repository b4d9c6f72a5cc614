"""Stores that tests open by their URL, as a gateway does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.plugins import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.storage import Backend


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Backend]:
    """Start a backend by the machine's clock, and close it."""
    backend = open_backend(url, SystemClock())
    await backend.start()
    try:
        yield backend
    finally:
        await backend.close()
