"""Create the records' first tables, as they were then: later revisions change them."""

from __future__ import annotations

from alembic import op
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
    String,
    Text,
    UniqueConstraint,
    text,
)

from dream_gateway.records.feed import make_feed

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_tenants()
    _create_end_users()
    _create_api_keys()
    _create_logs()
    make_feed(op.get_bind())


def _position(name: str = "position") -> Column[int]:
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, number, primary_key=True, autoincrement=True)


def _create_tenants() -> None:
    op.create_table(
        "platforms",
        Column("id", String(64), primary_key=True),
        Column("name", Text, nullable=False),
        Column("suspended", Boolean, nullable=False),
        Column("created_at", Float, nullable=False),
    )
    op.create_table(
        "projects",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("platform_id", String(64), ForeignKey("platforms.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("mode", String(8), nullable=False),
        Column("default_tier", Text, nullable=False),
        Column("alignment", String(16), nullable=False),
        Column("allowances", JSON, nullable=False),
        Column("publishable_key", Text, nullable=False),
        Column("created_at", Float, nullable=False),
    )
    op.create_table(
        "tiers",
        _position(),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("definition", JSON, nullable=False),
        UniqueConstraint("project_id", "name"),
    )


def _create_end_users() -> None:
    op.create_table(
        "end_users",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("external_id", Text, nullable=False),
        Column("plan", Text, nullable=False),
        Column("anchor", Float, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("email", Text),
        Column("first_name", Text),
        Column("last_name", Text),
        Column("metadata", JSON, nullable=False),
        Column("deleted_at", Float),
        Index(
            "end_users_external_id",
            "project_id",
            "external_id",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("digest", LargeBinary(32), nullable=False, unique=True),
        Column("kind", String(2), nullable=False),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), index=True),
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


def _create_logs() -> None:
    op.create_table(
        "audit_log",
        _position(),
        Column("actor", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("details", JSON, nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "changes",
        _position("seq"),
        Column("subject", Text, nullable=False),
        Column("ref", Text, nullable=False),
        Column("at", Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "idempotency",
        Column("project_id", String(64), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("at", Float, nullable=False),
    )
