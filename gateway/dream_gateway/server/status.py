"""What a worker tells its supervisor over a pipe, one line of JSON each, and what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import GatewayError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator


LEAVE = b"leave\n"
"""The gateway is going to stop: be not ready, serve on, and end each connection with an answer."""

RETIRE = b"retire\n"
"""Another worker has taken this one's place: as above, but the gateway is ready."""


REOPEN = b"reopen\n"
"""The access log's file was given another name: go on in one of the old name."""


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The worker accepts connections."""


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """The worker could not start. `is_final`: trying again would not help."""

    code: str
    detail: str
    is_final: bool


Status = Ready | Failed


def failed(error: GatewayError) -> Failed:
    """Return the report of an error that kept a worker from starting."""
    return Failed(error.code, error.detail, is_final=isinstance(error, OperatorError))


def encode(status: Status) -> bytes:
    """Return the line that says it."""
    return msgspec.json.encode(status) + b"\n"


def decode(line: bytes) -> Status:
    """Return what a line says."""
    status: Status = msgspec.json.decode(line, type=Status)
    return status


def operator_error(report: Failed) -> OperatorError:
    """Return the error a worker reported, as an error of this process."""
    kinds = {kind.code: kind for kind in _descendants(OperatorError)}
    return kinds.get(report.code, OperatorError)(report.detail)


def _descendants(kind: type[OperatorError]) -> Iterator[type[OperatorError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
