"""The records' tables of what happened, added up: for charts, never for limits or bills.

`start` is when the minute, hour, day or month begins: whole seconds since the epoch, UTC. Nothing here
refers to other tables, so that what is gone keeps its history, and adding up checks nothing.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, String, Table

from dream_gateway.records.billing_schema import EVERY as BILLING
from dream_gateway.records.schema import metadata

EVERY = BILLING
"""The tables of the records, these and those of `schema` and `billing_schema`."""

usage_rollups = Table(
    "usage_rollups",
    metadata,
    # Empty for what was refused before anybody knew whose it was.
    Column("project_id", String(64), primary_key=True),
    # `minute`, `hour` or `day`.
    Column("granularity", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    # See `dream_gateway.series`.
    Column("metric", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Index("usage_rollups_age", "granularity", "start"),
    sqlite_with_rowid=False,
)

customer_usage = Table(
    "customer_usage",
    metadata,
    Column("project_id", String(64), primary_key=True),
    Column("customer_id", String(64), primary_key=True),
    # `day` or `month`.
    Column("granularity", String(8), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    # Admitted, whatever each cost; the units they cost; and refused for a limit or any other reason.
    Column("requests", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("denied", BigInteger, nullable=False),
    Index("customer_usage_age", "granularity", "start", "project_id"),
    sqlite_with_rowid=False,
)

# What each worker says of itself every few seconds: leases, upstreams. One that is dead says nothing.
worker_reports = Table(
    "worker_reports",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("report", JSON, nullable=False),
)
