"""What a command writes to: where that fails, people hear which file it was, and why."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD = "The standard output"


class OutputError(click.ClickException):
    """A file or the standard output cannot be written; `gone` if its reader has left."""

    def __init__(self, name: str, cause: OSError) -> None:
        super().__init__(f"{name} cannot be written: {cause.strerror or cause}.")
        self.gone = isinstance(cause, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class Output:
    """A file with a name for people. Raises `OutputError`."""

    file: BinaryIO
    name: str

    def write(self, data: bytes) -> None:
        """Write all of `data`, later perhaps."""
        with told(self.name):
            self.file.write(data)

    def flush(self) -> None:
        """Write what was kept for later."""
        with told(self.name):
            self.file.flush()


@contextmanager
def told(name: str) -> Iterator[None]:
    """Raise `OutputError` for the system's errors inside of the block."""
    try:
        yield
    except OSError as exc:
        if name == STANDARD:
            # The interpreter would try again to write what is left, and complain, when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(name, exc) from exc


def echo(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print to the standard output, or the standard error. Raises `OutputError`."""
    with told("The standard error" if err else STANDARD):
        click.echo(text, nl=nl, err=err)
