"""A process that races for the units of a shared store: `python -m dream_gateway.testing.racer`."""

from __future__ import annotations

import asyncio
import json
import sys

from dream_gateway.testing.ledger_races import Shared, race_on_its_own


def main(opener: str, url: str, name: str) -> None:
    """Race, and write what was spent to standard output."""
    sys.stdout.write(json.dumps(asyncio.run(race_on_its_own(Shared(opener, url), name))))


if __name__ == "__main__":
    main(*sys.argv[1:])
