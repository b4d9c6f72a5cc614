"""The parts of a run: the table, the errors of admission, the curves. Each ends what it started."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from bench.load import admission
from bench.load.curves import BODIES, Point, Stage, curves, distinct, trace
from bench.load.report import Played
from bench.load.rounds import CONNECTIONS, Result, Run, kept, play, results
from bench.load.servers.nginx import upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress

    from bench.load.admission import Admission
    from bench.load.contender import Contender


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how long all is measured. `failed` gathers who did not run, and why."""

    folder: Path
    progress: Progress
    rounds: int
    seconds: int
    connections: int = CONNECTIONS
    failed: dict[str, str] = field(default_factory=dict)

    def table(
        self, chosen: Sequence[Contender], title: str = "rounds"
    ) -> tuple[list[Result], Played]:
        """Play rounds of all of them, started together on one core."""
        with self._stage() as stage:
            runs = [run for each in chosen if (run := self._begun(each, stage))]
            task = self.progress.add_task(title, total=self.rounds * len(runs))
            play(
                runs,
                rounds=self.rounds,
                seconds=self.seconds,
                told=lambda: self.progress.advance(task),
            )
            played = Played(self.rounds, len(kept(runs)), self.seconds, self.connections)
            return results(runs), played

    def admissions(self, chosen: Sequence[Contender]) -> list[Admission]:
        """Count what each of those admits that count, one after the other."""
        counting = [each for each in chosen if each.counts]
        task = self.progress.add_task("admission", total=len(counting))
        found = []
        with self._stage() as stage:
            for each in counting:
                try:
                    found.append(admission.measure(each, stage.folder, stage.upstream_port))
                except (RuntimeError, TimeoutError, ExceptionGroup) as exc:
                    self.failed[each.name] = f"admission: {exc!r}"
                self.progress.advance(task)
        return found

    def curve(self, name: str) -> list[Point]:
        """Trace one curve."""
        task = self.progress.add_task(f"{name}: making ready", total=None)
        with self._stage() as stage:
            steps = curves()[name](stage)
            total = self.rounds * len(distinct(steps))
            self.progress.update(task, description=name, total=total)
            return trace(
                name,
                steps,
                rounds=self.rounds,
                seconds=self.seconds,
                told=lambda: self.progress.advance(task),
            )

    def _begun(self, contender: Contender, stage: Stage) -> Run | None:
        try:
            run = stage.begin(contender)
        except RuntimeError as exc:
            self.failed[contender.name] = str(exc)
            return None
        run.connections = self.connections
        return run

    @contextmanager
    def _stage(self) -> Iterator[Stage]:
        folder = Path(mkdtemp(dir=self.folder))
        with ExitStack() as ends:
            behind = upstream(folder, BODIES)
            ends.callback(behind.stop)
            yield Stage(folder, behind.ports[0], lambda server: ends.callback(server.stop))
