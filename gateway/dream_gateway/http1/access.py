"""The access log, off the event loop: a connection leaves a note, and a thread writes the lines.

Each line is one JSON object, with no secret in it. No request waits for its line: past a number of notes
that wait, more are dropped, and counted.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import sys
import threading
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dream_gateway import metrics
from dream_gateway.http.problem import code_of
from dream_gateway.redaction import redacted, shown, shown_path, shown_query

if TYPE_CHECKING:
    from typing import BinaryIO

    from dream_gateway.http1.request import Request
    from dream_gateway.metrics import Readings
    from dream_gateway.model import Verdict

MOST_WAITING = 10_000
"""Notes that may wait to be written; more are dropped, and counted."""

CLOSING_SECONDS = 5.0
"""How long whoever reads the log may take to take the rest of it."""


_logger = logging.getLogger(__name__)


class Charge(NamedTuple):
    """What an exchange knows of its request beside the answer."""

    verdict: Verdict | None
    upstream_seconds: float | None
    request_id: bytes = b""


class Note(NamedTuple):
    """One request; `at` is when its head was in, in seconds since the epoch.

    `request` is `None` for what could not be read as one. `status` is `None` if nothing of an answer was
    written; `length` is the bytes that were, its head among them. `code` is why it has no whole answer.
    """

    at: float
    client: str | None
    request: Request | None
    status: int | None
    head: bytes
    seconds: float
    length: int
    charge: Charge | None
    code: str | None = None


class Order(Enum):
    """What the thread is told between notes."""

    REOPEN = auto()
    CLOSE = auto()


class Line(msgspec.Struct, kw_only=True):
    """A line of the log, in the order of its members."""

    time: str
    client: str | None
    method: str | None
    path: str | None
    query: str | msgspec.UnsetType | None = msgspec.UNSET
    version: str | None
    status: int | None
    code: str | None
    project: str | None
    customer: str | None
    key: str | None
    cost: int | None
    request_id: str | None
    ms: float
    upstream_ms: float | None
    bytes: int


class AccessLog:
    """Writes to a file, or to the standard output: every line in one piece."""

    def __init__(self, path: str = "", *, query: bool = False, parameter: str = "") -> None:
        """Open the log. Raises `OSError` if the file cannot be written to.

        With `query`, queries are told, but for the value of `parameter` and of what looks secret.
        """
        self._path = path
        self._file = _opened(path) if path else _standard_output()
        self._query, self._parameter = query, parameter
        self._notes: queue.SimpleQueue[Note | Order] = queue.SimpleQueue()
        self.dropped = 0
        """Lines that were not written: they came too fast, or the file took no more."""
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def note(self, note: Note) -> None:
        """Leave a note. Never blocks."""
        if self._notes.qsize() >= MOST_WAITING:
            self.dropped += 1
            return
        self._notes.put(note)

    def measure(self) -> Readings:
        """Return how much was dropped."""
        return {metrics.DROPPED.name: {(): self.dropped}}

    def reopen(self) -> None:
        """Go on in the file that has the log's name by now, after what was noted before this.

        Never blocks. If that cannot be opened, all goes on in the old one.
        """
        self._notes.put(Order.REOPEN)

    def close(self) -> None:
        """Write what waits, and end. Blocks until it is written, or for some seconds.

        Safe to call twice.
        """
        self._notes.put(Order.CLOSE)
        self._thread.join(CLOSING_SECONDS)

    def _write(self) -> None:
        while self._write_until_told() is Order.REOPEN:
            self._open_again()
        self._file.close()

    def _write_until_told(self) -> Order:
        while True:
            item = self._notes.get()
            lines: list[bytes] = []
            size = 0
            # What has come meanwhile goes along, as far as a pipe takes it in one piece.
            while isinstance(item, Note):
                told = line(item, query=self._query, parameter=self._parameter)
                if lines and size + len(told) > select.PIPE_BUF:
                    self._put(lines)
                    lines, size = [], 0
                lines.append(told)
                size += len(told)
                if self._notes.empty():
                    break
                item = self._notes.get()
            self._put(lines)
            if isinstance(item, Order):
                return item

    def _put(self, lines: list[bytes]) -> None:
        """Write lines; what the file does not take is dropped."""
        rest = memoryview(b"".join(lines))
        try:
            while rest:
                written = self._file.write(rest)
                if written is None:  # a pipe that is full, and that nobody waits for
                    raise BlockingIOError
                rest = rest[written:]
        except OSError:
            self.dropped += len(lines)

    def _open_again(self) -> None:
        if not self._path:
            return
        try:
            file = _opened(self._path)
        except OSError as error:
            _logger.error("The access log goes on in its old file: %s", error)  # noqa: TRY400
            return
        self._file.close()
        self._file = file


def line(note: Note, *, query: bool, parameter: str = "") -> bytes:
    """Return a note as a line of the log; the query may hold a key, and is told only if asked for."""
    verdict, upstream, request_id = note.charge or Charge(None, None)
    project, customer, key = _whose(verdict)
    method, path, version, asked = _asked(note.request, parameter)
    told = Line(
        time=datetime.fromtimestamp(note.at, UTC).isoformat(timespec="milliseconds"),
        client=note.client,
        method=method,
        path=path,
        query=asked if query else msgspec.UNSET,
        version=version,
        status=note.status,
        code=note.code or _code(note.head, verdict),
        project=project,
        customer=customer,
        key=key,
        cost=None if verdict is None else verdict.cost,
        request_id=_request_id(note.head, request_id),
        ms=round(note.seconds * 1_000, 3),
        upstream_ms=None if upstream is None else round(upstream * 1_000, 3),
        bytes=note.length,
    )
    return msgspec.json.encode(told) + b"\n"


def _asked(
    request: Request | None, parameter: str
) -> tuple[str | None, str | None, str | None, str | None]:
    """Return the method, the path, the version and the query, without what is secret in them."""
    if request is None:
        return None, None, None, None
    whole = request.query.decode("ascii", "backslashreplace")
    return (
        shown(request.method),
        shown_path(request.raw_path.decode("ascii", "backslashreplace")),
        request.version,
        shown_query(whole, parameter),
    )


def _whose(verdict: Verdict | None) -> tuple[str | None, str | None, str | None]:
    """Return the project, the customer's name and the key's id, as far as they are known."""
    if verdict is None:
        return None, None, None
    project, customer, key = verdict.project, verdict.customer, verdict.credential
    return (
        None if project is None else project.id,
        None if customer is None else redacted(customer.external_id),
        None if key is None else key.id,
    )


def _code(answer: bytes, verdict: Verdict | None) -> str | None:
    """Return what was said of the request: `allowed`, or the code in the problem that it was told."""
    told = code_of(answer.partition(b"\r\n\r\n")[2])
    return told or (None if verdict is None else verdict.code)


def _request_id(answer: bytes, known: bytes) -> str | None:
    """Return the answer's `X-Request-Id`, or what is known of it where there was no answer."""
    head = answer.partition(b"\r\n\r\n")[0] + b"\r\n"
    rest = head.partition(b"\r\nx-request-id: ")[2].partition(b"\r\n")[0] or known
    return redacted(rest.decode("latin-1")) if rest else None


def _opened(path: str) -> BinaryIO:
    return open(path, "ab", buffering=0, opener=_opened_for_few)


def _opened_for_few(path: str, flags: int) -> int:
    """Open a file which, if it is new, others than the user and the group may not read."""
    return os.open(path, flags, 0o640)


def _standard_output() -> BinaryIO:
    return open(sys.stdout.fileno(), "ab", buffering=0, closefd=False)
