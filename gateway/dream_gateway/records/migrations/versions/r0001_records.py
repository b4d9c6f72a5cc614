"""Create the records' tables."""

from __future__ import annotations

from alembic import op

from dream_gateway.records.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
