"""Customers who are suspended, and when keys were used last."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, Float

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("end_users", Column("suspended", Boolean, nullable=False, server_default="0"))
    op.add_column("api_keys", Column("last_used_at", Float))
