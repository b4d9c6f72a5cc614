"""Requests of raw bytes."""

from __future__ import annotations

import asyncio

from tests.waiting import PATIENCE_SECONDS


async def raw(base: str, request: bytes) -> bytes:
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer
