"""The access log, off the event loop: a connection leaves a note, and a thread writes the lines."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.redaction import redacted_path

if TYPE_CHECKING:
    from dream_gateway.http1.request import Request

logger = logging.getLogger("dream_gateway.access")

MOST_WAITING = 10_000
"""Notes that may wait to be written; more are dropped, and counted."""


class Note(NamedTuple):
    """One answered request; `at` is seconds since the epoch."""

    at: float
    client: str | None
    method: str
    path: bytes
    version: str
    status: int


class AccessLog:
    """Writes `client "method path version" status`. The query stays out: it may hold a key."""

    def __init__(self) -> None:
        self._notes: queue.SimpleQueue[Note | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def note(self, request: Request, status: int) -> None:
        """Leave a note. Never blocks."""
        if self._notes.qsize() >= MOST_WAITING:
            self._dropped += 1
            return
        self._notes.put(
            Note(
                time.time(),
                request.client,
                request.method,
                request.raw_path,
                request.version,
                status,
            )
        )

    def close(self) -> None:
        """Write what waits, and end. Blocks until it is written."""
        self._notes.put(None)
        self._thread.join()

    def _write(self) -> None:
        while (note := self._notes.get()) is not None:
            path = redacted_path(note.path.decode("ascii", "backslashreplace"))
            logger.info(
                '%s "%s %s HTTP/%s" %d',
                note.client or "-",
                note.method,
                path,
                note.version,
                note.status,
            )
            dropped, self._dropped = self._dropped, 0
            if dropped:
                logger.warning("%d lines were dropped: they came too fast", dropped)
