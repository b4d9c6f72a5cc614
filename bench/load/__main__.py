"""`python -m bench.load`: run everybody that is installed, and say how they did."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from bench.load import facts
from bench.load.contenders import contenders
from bench.load.curves import curves
from bench.load.machine import find, settle
from bench.load.parts import Bench
from bench.load.plots import bars, panels
from bench.load.report import Report, as_json, as_markdown, read
from bench.load.rounds import CONNECTIONS
from bench.load.servers import gateway

if TYPE_CHECKING:
    from bench.load.contender import Contender

ROUNDS, SECONDS = 5, 3


def main() -> int:
    """Run the bench. The exit code is 1 if it or the gateway cannot run, or if that passed its limit."""
    asked = parse(sys.argv[1:])
    console = Console(stderr=True)
    for program, source in (("wrk", "wrk"), ("nginx", "nginx-light")):
        if find(program) is None:
            console.print(f"{program} is not installed (Debian: apt install {source}).")
            return 1
    if not chosen(contenders(), asked.only):
        console.print(f"no contender is named {' or '.join(asked.only)}.")
        return 1
    settle()
    with tempfile.TemporaryDirectory(prefix="load-") as name, Progress(console=console) as progress:
        bench = Bench(Path(name), progress, asked.rounds, asked.seconds, asked.connections)
        report = _measure(asked, bench)
    sys.stdout.write(as_markdown(report))
    if asked.out:
        _save(report, asked.out)
    return int(_broken(report))


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command's words. Without any, all parts run on everybody; `--short` is for CI."""
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each run")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="of the table")
    parser.add_argument("--only", nargs="+", help="contenders whose names hold one of these")
    parser.add_argument("--out", type=Path, help="folder for load.md, .json, .svg and curves.svg")
    parser.add_argument("--table", action="store_true", help="run this part: the rounds")
    parser.add_argument("--admission", action="store_true", help="run this part: the counting")
    parser.add_argument(
        "--modes", action="store_true", help="run this part: with leases and without"
    )
    parser.add_argument(
        "--curves", nargs="*", choices=list(curves()), help="run this part: all curves, or these"
    )
    parser.add_argument(
        "--short", action="store_true", help="one second each, the gateway and nginx, no curves"
    )
    asked = parser.parse_args(words)
    if asked.short:
        asked.rounds, asked.seconds = 1, 1
        asked.only = asked.only or [gateway.PREFIX]
        asked.table = asked.admission = True
    if asked.curves is None and not (asked.table or asked.admission or asked.modes):
        asked.table = asked.admission = True
        asked.modes = not asked.only  # These, and curves, are of the gateway alone.
        asked.curves = None if asked.only else []
    if asked.curves == []:
        asked.curves = list(curves())
    return asked


def chosen(every: tuple[Contender, ...], only: list[str] | None) -> list[Contender]:
    """Return those whose names hold one of the words, and their yardsticks."""
    if not only:
        return list(every)
    named = [each for each in every if any(word in each.name for word in only)]
    yardsticks = {each.yardstick for each in named}
    return [each for each in every if each in named or each.name in yardsticks]


def _measure(asked: argparse.Namespace, bench: Bench) -> Report:
    who = chosen(contenders(), asked.only)
    ready = [each for each in who if not each.missing]
    results, played = bench.table(ready) if asked.table else ([], None)
    admissions = bench.admissions(ready) if asked.admission else []
    modes = bench.table(gateway.modes(), "modes")[0] if asked.modes else []
    points = [point for name in asked.curves or () for point in bench.curve(name)]
    absent = {each.name: f"not installed: {each.source}" for each in who if each.missing}
    return Report(
        facts.machine(),
        facts.versions(ready if asked.table or asked.admission else ready[:1]),
        played,
        results,
        admissions,
        modes,
        points,
        absent | bench.failed,
    )


def _save(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = report.over(read(folder / "load.json"))
    (folder / "load.json").write_text(as_json(whole))
    (folder / "load.md").write_text(as_markdown(whole))
    if whole.results:
        (folder / "load.svg").write_text(bars(whole.results))
    if whole.points:
        (folder / "curves.svg").write_text(panels(whole.points))


def _broken(report: Report) -> bool:
    own = [each for each in report.admissions if each.name.startswith(gateway.PREFIX)]
    is_absent = any(name.startswith(gateway.PREFIX) for name in report.missing)
    return is_absent or any(max(each.error, each.error_killed) > 0 for each in own)


if __name__ == "__main__":
    sys.exit(main())
