"""`python -m chaos`: put many nodes on each store, break things under load, and say what held."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from chaos.conditions import stepped_clock
from chaos.faults import faults
from chaos.field import opened
from chaos.nodes import LIMIT as COMPANY_LIMIT
from chaos.nodes import observe
from chaos.places import places
from chaos.report import company_table, trial_table
from chaos.trial import LIMIT as TRIAL_LIMIT
from chaos.trial import attempt

if TYPE_CHECKING:
    from chaos.faults import Fault
    from chaos.nodes import Company
    from chaos.places import OpenPlace
    from chaos.trial import Trial

SHORT_FAULTS = ("workers", "store")
NODES, WORKERS = 4, 2


def main() -> int:
    """Run what is asked for, and print the tables. The exit code is 1 if anything did not hold."""
    asked = parse(sys.argv[1:])
    console = Console(stderr=True)
    companies: list[Company] = []
    trials: list[Trial] = []
    with Progress(console=console) as progress:
        steps = [(place, fault) for place in asked.places for fault in asked.faults]
        bar = progress.add_task("chaos", total=len(steps) + len(asked.places) * asked.nodes)
        for word in asked.places if asked.nodes else ():
            progress.update(bar, description=f"{word}: many nodes")
            companies.append(asyncio.run(company(places()[word], asked.short)))
            progress.advance(bar)
        for word, fault in steps:
            progress.update(bar, description=f"{word}: {fault}")
            found = asyncio.run(trial(places()[word], faults()[fault]))
            trials += [found] if found is not None else []
            progress.advance(bar)
    sys.stdout.write(f"{company_table(companies)}\n{trial_table(trials)}")
    right = all(row.is_right for row in companies) and not any(row.broken for row in trials)
    return 0 if right else 1


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command's words. Without any, everything runs; `--short` is for CI."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--places", nargs="+", choices=list(places()), default=list(places()))
    parser.add_argument("--faults", nargs="*", choices=list(faults()), default=list(faults()))
    parser.add_argument("--no-nodes", dest="nodes", action="store_false", help="faults only")
    parser.add_argument(
        "--short", action="store_true", help="half as many nodes, and two faults of each place"
    )
    asked = parser.parse_args(words)
    if asked.short:
        asked.faults = [word for word in asked.faults if word in SHORT_FAULTS]
    return asked


async def company(place: OpenPlace, short: bool) -> Company:
    """Put many nodes on a place."""
    nodes = NODES // 2 if short else NODES
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        async with (
            place(folder) as ground,
            opened(ground, folder, nodes=nodes, workers=WORKERS, limit=COMPANY_LIMIT) as field,
        ):
            return await observe(field)


async def trial(place: OpenPlace, fault: Fault, limit: int = TRIAL_LIMIT) -> Trial | None:
    """Try a fault on a place; `None` if it cannot happen there."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        clock = stepped_clock(folder) if fault.name == faults()["clock"].name else None
        async with place(folder) as ground:
            if not fault.fits(ground, clock):
                return None
            async with opened(
                ground, folder, nodes=2, workers=WORKERS, limit=limit, clock=clock
            ) as field:
                return await attempt(field, fault, limit)


if __name__ == "__main__":
    sys.exit(main())
