"""The records' tables, on SQLite and PostgreSQL.

Rows carry internal ids, so a rotated key orphans nobody.

Instants are seconds since the epoch, UTC. `position` keeps the order of creation. On PostgreSQL
triggers see to it that `changes` commits in the order of `seq`, and tell followers.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

metadata = MetaData()


def _number() -> BigInteger:
    """Return the type of a number that counts up; only this type of SQLite's does."""
    return BigInteger().with_variant(Integer, "sqlite")


platforms = Table(
    "platforms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("suspended", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("position", _number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("default_tier", Text, nullable=False),
    Column("alignment", String(16), nullable=False),
    Column("allowances", JSON, nullable=False),
    # Meant to be read by anybody, and shown to the developer again and again: kept as it is.
    Column("publishable_key", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

tiers = Table(
    "tiers",
    metadata,
    Column("position", _number(), primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", JSON, nullable=False),
    UniqueConstraint("project_id", "name"),
)

end_users = Table(
    "end_users",
    metadata,
    Column("position", _number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("anchor", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("email", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("metadata", JSON, nullable=False),
    Column("deleted_at", Float),
    # A deleted customer's name may be taken again.
    Index(
        "end_users_external_id",
        "project_id",
        "external_id",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("position", _number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("kind", String(2), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), index=True),
    Column("prefix", String(16), nullable=False),
    Column("last4", String(4), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("expires_at", Float),
    Column("allowed_ips", JSON, nullable=False),
    Column("rate", JSON),
    Column("metadata", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("position", _number(), primary_key=True, autoincrement=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("at", Float, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", _number(), primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("at", Float, nullable=False),
    # A number is never used twice, even if the newest row went. PostgreSQL needs no telling.
    sqlite_autoincrement=True,
)


@event.listens_for(changes, "after_create")
def _make_feed(_table: Table, connection: Connection, **_: object) -> None:
    """Make the triggers, each with a statement of its own: the driver takes no more."""
    if connection.dialect.name == "postgresql":
        script = files("dream_gateway.records").joinpath("changes.sql")
        for part in script.read_text(encoding="utf-8").split("-- name: ")[1:]:
            connection.exec_driver_sql(part.partition("\n")[2])


idempotency = Table(
    "idempotency",
    metadata,
    Column("project_id", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
