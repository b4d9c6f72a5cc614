"""The planes of one worker: what an early order to drain does."""

from __future__ import annotations

import asyncio
import socket

from tests.waiting import PATIENCE_SECONDS

from dream_gateway.server.serving import Planes
from dream_gateway.settings import Settings


async def unreachable(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError


def refused(**_: object) -> asyncio.Protocol:
    raise AssertionError


async def test_an_order_to_drain_that_comes_before_serving_is_kept() -> None:
    planes = Planes(Settings())
    planes.drain()
    ready: list[bool] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        planes.add(unreachable, listener, refused)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await planes.serve(lambda: ready.append(True))
    assert not ready
