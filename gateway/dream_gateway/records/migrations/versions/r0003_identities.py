"""Which customer an identity provider's user is, and what their providers told of them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, Index, String, Text, UniqueConstraint

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "identity_links",
        Column("id", String(64), primary_key=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("issuer", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False, index=True),
        Column("created_at", Float, nullable=False),
        Column("told_at", Float, nullable=False, server_default="0"),
        UniqueConstraint("project_id", "issuer", "subject"),
        Index("identity_links_user", "issuer", "subject"),
    )
    op.create_table(
        "deliveries",
        Column("endpoint", String(64), primary_key=True),
        Column("id", String(255), primary_key=True),
        Column("at", Float, nullable=False, index=True),
    )
