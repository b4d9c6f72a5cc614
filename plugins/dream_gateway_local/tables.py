"""The plugin's tables, as its queries name them; the records' migrations make them.

`realm` is a project's id, or `platform`. Instants are seconds since the epoch, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


def _account() -> ForeignKey:
    return ForeignKey("local_accounts.id", ondelete="CASCADE")


accounts = Table(
    "local_accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("realm", String(64), nullable=False),
    # As it was given, and as it is compared.
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("email_verified", Boolean, nullable=False),
    # Argon2's own encoding: parameters, salt and hash.
    Column("password", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("realm", "email_key"),
)

sessions = Table(
    "local_sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", _account(), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

tickets = Table(
    "local_tickets",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("account_id", _account(), nullable=False, index=True),
    # Of a code: where it was sent to.
    Column("target", Text),
    Column("expires_at", Float, nullable=False, index=True),
)

signing_keys = Table(
    "local_signing_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("use", String(16), nullable=False),
    Column("public", JSON),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("retires_at", Float),
)
