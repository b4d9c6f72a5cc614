"""Looking up webhooks' hosts: bounded, and in nobody else's way."""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.notices.addresses import Place
from dream_gateway.notices.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Place("https", "hooks.example.com", 443, "/")
THREADS = 2


class Slow:
    """A name server that says nothing until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        with self._lock:
            self.asked += 1
        self.let.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))] * 2


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.let.set()


async def test_names_that_never_come_end_in_time_and_hold_up_nothing_else(slow: Slow) -> None:
    resolver = Resolver(THREADS, 0.2, slow)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while slow.asked < THREADS:  # A thread that begins late finds nobody who still asks.
            few = [resolver.resolve(PLACE) for _ in range(THREADS)]
            await asyncio.gather(*few, return_exceptions=True)
    many = [resolver.resolve(PLACE) for _ in range(64)]
    found = await asyncio.gather(*many, return_exceptions=True)
    assert {type(each) for each in found} == {TimeoutError}
    # The loop's own threads are free, and those who came later are not waited for in the pool.
    assert await asyncio.to_thread(lambda: "free") == "free"
    assert slow.asked == THREADS
    slow.let.set()
    resolver.close()


async def test_every_address_is_told_once(slow: Slow) -> None:
    slow.let.set()
    resolver = Resolver(THREADS, 10.0, slow)
    assert await resolver.resolve(PLACE) == [ip_address("192.0.2.1")]
    resolver.close()


async def test_nothing_is_looked_up_for_an_address(slow: Slow) -> None:
    resolver = Resolver(THREADS, 10.0, slow)
    place = PLACE._replace(host="2001:db8::1")
    assert await resolver.resolve(place) == [ip_address("2001:db8::1")]
    assert slow.asked == 0
    resolver.close()
