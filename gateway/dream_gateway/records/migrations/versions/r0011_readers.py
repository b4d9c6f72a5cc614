"""Which older versions of the gateway may run on this schema."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table("schema_readers", Column("oldest", String(16), primary_key=True))
