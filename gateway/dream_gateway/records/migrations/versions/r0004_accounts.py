"""Accounts, sessions, tickets and signing keys of the embedded identity plugin."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, LargeBinary, String, Text
from sqlalchemy import UniqueConstraint as Unique

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "local_accounts",
        Column("id", String(64), primary_key=True),
        Column("realm", String(64), nullable=False),
        Column("email", Text, nullable=False),
        Column("email_key", Text, nullable=False),
        Column("email_verified", Boolean, nullable=False),
        Column("password", Text, nullable=False),
        Column("first_name", Text),
        Column("last_name", Text),
        Column("created_at", Float, nullable=False),
        Unique("realm", "email_key"),
    )
    account = ForeignKey("local_accounts.id", ondelete="CASCADE")
    op.create_table(
        "local_sessions",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("account_id", String(64), account, nullable=False, index=True),
        Column("created_at", Float, nullable=False),
        Column("seen_at", Float, nullable=False),
        Column("expires_at", Float, nullable=False, index=True),
    )
    account = ForeignKey("local_accounts.id", ondelete="CASCADE")
    op.create_table(
        "local_tickets",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("purpose", String(16), nullable=False),
        Column("account_id", String(64), account, nullable=False, index=True),
        Column("target", Text),
        Column("expires_at", Float, nullable=False, index=True),
    )
    op.create_table(
        "local_signing_keys",
        Column("id", String(64), primary_key=True),
        Column("use", String(16), nullable=False),
        Column("public", JSON),
        Column("sealed", LargeBinary, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("retires_at", Float),
    )
