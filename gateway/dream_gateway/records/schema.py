"""The records' tables. Rows carry internal ids, so a rotated key orphans nobody.

Instants are seconds since the epoch, UTC. `position` keeps the order of creation.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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
    text,
)

metadata = MetaData()

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
    Column("position", Integer, primary_key=True, autoincrement=True),
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
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", JSON, nullable=False),
    UniqueConstraint("project_id", "name"),
)

end_users = Table(
    "end_users",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
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
    Column("position", Integer, primary_key=True, autoincrement=True),
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
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("at", Float, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)

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
