"""The crowd: callers who ask all the time, on all nodes, and note every answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from bench.load.client import Connection, request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chaos.node import Node

CALLERS_PER_NODE = 12
PAUSE_SECONDS = 0.004
ANSWER_SECONDS = 30.0
EVENTS_EVERY = 4
"""Every so many-th caller sends events with idempotency keys, and repeats each until it knows."""


@dataclass
class Answers:
    """What the crowd saw. `unanswered` may have been charged, or not."""

    admitted: int = 0
    denied: int = 0
    unanswered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Answers that are neither, by status and code."""

    def count(self, status: int, code: str) -> None:
        """Note an answer."""
        if status == 200:
            self.admitted += 1
        elif status == 429:
            self.denied += 1
        else:
            self.refused[f"{status} {code}"] += 1


class Crowd:
    """Asks `POST /api/data` for one customer until it is told to stop."""

    def __init__(self, nodes: Sequence[Node], secret: str, customer: str) -> None:
        self.answers = Answers()
        self.last: dict[Node, float] = {}
        """When each node last admitted or denied, by the loop's clock."""

        self.admitted_at = 0.0
        """When anybody was last admitted, by the same clock."""

        self._nodes = nodes
        self._fields = {"Authorization": f"Bearer {secret}", "X-User-Id": customer}
        self._names = count()
        self._going = True
        self._seen = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Let everybody ask from now on."""
        for node in self._nodes:
            for number in range(CALLERS_PER_NODE):
                work = self._events(node) if number % EVENTS_EVERY == 0 else self._checks(node)
                self._tasks.append(asyncio.create_task(work))

    async def end(self) -> Answers:
        """Let everybody finish what they are at; return what they saw."""
        self._going = False
        await asyncio.gather(*self._tasks)
        return self.answers

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, which is looked at after each answer; tell whether it does."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._seen.clear()
                    await self._seen.wait()
        except TimeoutError:
            return False
        return True

    async def _checks(self, node: Node) -> None:
        line = _Line(node)
        while self._going:
            try:
                status, code = await line.ask(self._fields)
            except (OSError, EOFError, TimeoutError):
                self.answers.unanswered += 1
                line.close()
            else:
                self._note(node, status, code)
            await asyncio.sleep(PAUSE_SECONDS)
        line.close()

    async def _events(self, node: Node) -> None:
        line = _Line(node)
        while self._going:
            fields = {**self._fields, "Idempotency-Key": f"event-{next(self._names)}"}
            while True:
                try:
                    status, code = await line.ask(fields)
                except (OSError, EOFError, TimeoutError):
                    line.close()
                else:
                    self._note(node, status, code)
                    if status in (200, 429):
                        break
                await asyncio.sleep(PAUSE_SECONDS * 10)
        line.close()

    def _note(self, node: Node, status: int, code: str) -> None:
        self._seen.set()
        self.answers.count(status, code)
        now = asyncio.get_running_loop().time()
        if status in (200, 429):
            self.last[node] = now
        if status == 200:
            self.admitted_at = now


class _Line:
    """One caller's connection to a node, opened when it is needed."""

    def __init__(self, node: Node) -> None:
        self._url = f"{node.service}/api/data"
        self._connection = Connection(self._url)

    async def ask(self, fields: Mapping[str, str]) -> tuple[int, str]:
        """Ask once; return the answer's status, and its code if it is a problem.

        Raises `OSError`, `EOFError` or `TimeoutError` if there is none; close the line then.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._connection.ask(request("POST", self._url, fields))
        problem = "problem+json" in answer.fields.get("content-type", "")
        return answer.status, str(json.loads(answer.body).get("code", "?")) if problem else ""

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()
