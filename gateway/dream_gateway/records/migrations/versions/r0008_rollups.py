"""What happened, added up by the minute, hour, day and month; and what workers say of themselves."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Float, Index, String

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    _create_usage_rollups()
    _create_customer_usage()
    op.create_table(
        "worker_reports",
        Column("worker", String(64), primary_key=True),
        Column("at", Float, nullable=False, index=True),
        Column("report", JSON, nullable=False),
    )
    op.create_index("end_users_position", "end_users", ["project_id", "position"])
    op.create_index("inbox_project", "inbox", ["project_id", "position"])


def _create_usage_rollups() -> None:
    op.create_table(
        "usage_rollups",
        Column("project_id", String(64), primary_key=True),
        Column("granularity", String(8), primary_key=True),
        Column("start", BigInteger, primary_key=True, autoincrement=False),
        Column("metric", String(64), primary_key=True),
        Column("value", BigInteger, nullable=False),
        Index("usage_rollups_age", "granularity", "start"),
        sqlite_with_rowid=False,
    )


def _create_customer_usage() -> None:
    op.create_table(
        "customer_usage",
        Column("project_id", String(64), primary_key=True),
        Column("customer_id", String(64), primary_key=True),
        Column("granularity", String(8), primary_key=True),
        Column("start", BigInteger, primary_key=True, autoincrement=False),
        Column("requests", BigInteger, nullable=False),
        Column("units", BigInteger, nullable=False),
        Column("denied", BigInteger, nullable=False),
        Index("customer_usage_age", "granularity", "start", "project_id"),
        sqlite_with_rowid=False,
    )
