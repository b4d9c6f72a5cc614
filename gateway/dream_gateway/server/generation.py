"""What workers that are started together have: settings, and what was in the files these name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dream_gateway.server.certificates import Pair, places, read_pair, worries
from dream_gateway.settings import Settings  # noqa: TC001 # msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator


class Generation(msgspec.Struct, frozen=True):
    """One generation of workers. A reload makes another, whether anything changed or not."""

    settings: Settings
    edge: Pair | None = None
    service: Pair | None = None


def read_generation(settings: Settings) -> Generation:
    """Read the files that settings name. Raises `ConfigurationError` if one is of no use."""
    edge, service = map(read_pair, places(settings))
    return Generation(settings, edge, service)


def warnings(generation: Generation, now: float) -> Iterator[str]:
    """Yield a line about each thing that is served with and should be set right."""
    pairs = (generation.edge, generation.service)
    for place, pair in zip(places(generation.settings), pairs, strict=True):
        if pair is not None:
            yield from worries(place, pair, now)


def encode(generation: Generation) -> bytes:
    """Return it as one line of JSON, for a worker."""
    return msgspec.json.encode(generation) + b"\n"


def decode(line: bytes) -> Generation:
    """Return what `encode` wrote."""
    return msgspec.json.decode(line, type=Generation)
