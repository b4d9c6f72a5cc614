"""Sessions of the dashboard."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, Float, ForeignKey, LargeBinary, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "dashboard_sessions",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("developer_id", String(64), ForeignKey("developers.id"), index=True),
        Column("operator", LargeBinary(32)),
        Column("is_link", Boolean, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("seen_at", Float, nullable=False),
        Column("expires_at", Float, nullable=False, index=True),
    )
