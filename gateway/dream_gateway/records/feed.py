"""What makes the table `changes` a feed on PostgreSQL: see `changes.sql`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection


def make_feed(connection: Connection) -> None:
    """Make the triggers, each with a statement of its own: the driver takes no more."""
    if connection.dialect.name != "postgresql":
        return
    script = files("dream_gateway.records").joinpath("changes.sql")
    for part in script.read_text(encoding="utf-8").split("-- name: ")[1:]:
        connection.exec_driver_sql(part.partition("\n")[2])
