"""`python -m bench.load`: run everybody that is installed, and say how they did."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.load import wrk
from bench.load.contenders import contenders, upstream
from bench.load.report import as_json, plot, table
from bench.load.rounds import Run, play, results, wait_for_answer


def main() -> int:
    """Run the bench; the exit code is 0 if somebody ran."""
    asked = _arguments()
    console = Console(stderr=True)
    if not wrk.available():
        console.print("wrk is not installed (Debian: apt install wrk).")
        return 1
    for absent in (each.name for each in contenders() if each.missing):
        console.print(f"absent, and left out: {absent}")
    chosen = [each for each in contenders() if not each.missing]
    if asked.only:
        chosen = [c for c in chosen if not c.yardstick or any(o in c.name for o in asked.only)]
    servers = []
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        try:
            servers.append(upstream(folder))
            runs = []
            for contender in chosen:
                server, job = contender.begin(folder, servers[0].ports[0])
                servers.append(server)
                runs.append(Run(contender, server, job))
                wait_for_answer(runs[-1])
            with Progress(console=console) as progress:
                task = progress.add_task("rounds", total=asked.rounds * len(runs))
                play(
                    runs,
                    rounds=asked.rounds,
                    connections=asked.connections,
                    seconds=asked.seconds,
                    told=lambda: progress.advance(task),
                )
            found = results(runs)
        finally:
            for server in reversed(servers):
                server.stop()
    sys.stdout.write(table(found))
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / "load.md").write_text(table(found))
        (asked.out / "load.json").write_text(as_json(found))
        (asked.out / "load.svg").write_text(plot(found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", nargs="*", help="contenders whose names hold one of these")
    parser.add_argument("--out", type=Path, help="folder for load.md, load.json and load.svg")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
