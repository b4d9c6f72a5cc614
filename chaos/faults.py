"""The faults: each breaks something under load, and mends it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chaos.conditions import SteppedClock
    from chaos.field import Field
    from chaos.places import Place

PAUSE_SECONDS = 10.0
CUT_SECONDS = 5.0
KILLS = 4
BETWEEN_SECONDS = 0.8
STEPS_SECONDS = (7_200, -10_800, 3_600)
"""Two hours ahead, three back, one ahead: the wall clock is right again in the end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a field. `fits` tells where it can happen."""

    name: str
    inflict: Callable[[Field], Awaitable[None]]
    fits: Callable[[Place, SteppedClock | None], bool]


def faults() -> dict[str, Fault]:
    """Return every fault by the word that chooses it."""
    return {
        "workers": Fault(f"kill -9 of a worker, {KILLS} times", _workers, _always),
        "node": Fault("kill -9 of a node, started again", _node, _always),
        "store": Fault("kill -9 of the store, started again", _store, _has_server),
        "pause": Fault(f"store paused for {PAUSE_SECONDS:.0f} s", _pause, _has_server),
        "cut": Fault(f"network cut for {CUT_SECONDS:.0f} s", _cut, _has_wire),
        "stall": Fault(f"network silent for {CUT_SECONDS:.0f} s", _stall, _has_wire),
        "answers": Fault("answers of the store lost for 2 s", _answers, _has_wire),
        "disk": Fault(f"disk of the store full for {CUT_SECONDS:.0f} s", _disk, _has_disk),
        "clock": Fault("wall clocks stepped by +2 h, -3 h, +1 h", _clock, _has_clock),
    }


async def _workers(field: Field) -> None:
    for number in range(KILLS):
        field.nodes[number % len(field.nodes)].kill_worker()
        await asyncio.sleep(BETWEEN_SECONDS)


async def _node(field: Field) -> None:
    await field.nodes[0].kill()
    await field.nodes[0].start()


async def _store(field: Field) -> None:
    server = field.place.server
    assert server is not None
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def _pause(field: Field) -> None:
    server = field.place.server
    assert server is not None
    server.pause()
    await asyncio.sleep(PAUSE_SECONDS)
    server.resume()


async def _cut(field: Field) -> None:
    wire = field.place.wire
    assert wire is not None
    await wire.cut()
    await asyncio.sleep(CUT_SECONDS)
    await wire.heal()


async def _stall(field: Field) -> None:
    wire = field.place.wire
    assert wire is not None
    wire.stall()
    await asyncio.sleep(CUT_SECONDS)
    await wire.heal()


async def _answers(field: Field) -> None:
    wire = field.place.wire
    assert wire is not None
    wire.lose_answers()
    await asyncio.sleep(2)
    await wire.heal()


async def _disk(field: Field) -> None:
    disk = field.place.disk
    assert disk is not None
    await asyncio.to_thread(disk.fill)
    await asyncio.sleep(CUT_SECONDS)
    await asyncio.to_thread(disk.free)
    server = field.place.server
    if server is not None and server.is_dead:
        # Stores that cannot write give up, rather than go on without.
        await asyncio.to_thread(server.start)


async def _clock(field: Field) -> None:
    assert field.clock is not None
    for seconds in STEPS_SECONDS:
        field.clock.step(seconds)
        await asyncio.sleep(BETWEEN_SECONDS)


def _always(_place: Place, _clock: SteppedClock | None) -> bool:
    return True


def _has_server(place: Place, _clock: SteppedClock | None) -> bool:
    return place.server is not None


def _has_wire(place: Place, _clock: SteppedClock | None) -> bool:
    return place.wire is not None


def _has_disk(place: Place, _clock: SteppedClock | None) -> bool:
    return place.disk is not None


def _has_clock(_place: Place, clock: SteppedClock | None) -> bool:
    return clock is not None
