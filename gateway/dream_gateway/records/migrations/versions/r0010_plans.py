"""What was done to one thing, found at once; and what SQLite has to know to choose its indexes well."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

SIZES = (
    ("customer_usage", "customer_usage", "1000000 100000 100 50 1"),
    ("customer_usage", "customer_usage_age", "1000000 500000 5000 1000"),
    ("end_users", "end_users_external_id", "10000 1000 1"),
    ("end_users", "end_users_plan", "10000 1000 250"),
    ("end_users", "end_users_position", "10000 1000 1"),
    ("end_users", "sqlite_autoindex_end_users_1", "10000 1"),
)
"""Tables, indexes, and their rows: in all, and for each value of the first column, of the first two...

Without them SQLite takes ten for a project's, and goes through them all rather than by an index that
leads to a few. See "Manual Control Of Query Plans Using SQLITE_STAT Tables" in its documentation.
"""


def upgrade() -> None:
    op.create_index("audit_log_object", "audit_log", ["project_id", "object", "position"])
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    # Makes the table of sizes, and at the end reads it.
    connection.exec_driver_sql("ANALYZE sqlite_master")
    for table, index, rows in SIZES:
        here = "DELETE FROM sqlite_stat1 WHERE tbl = ? AND idx = ?"
        connection.exec_driver_sql(here, (table, index))
        new = "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)"
        connection.exec_driver_sql(new, (table, index, rows))
    connection.exec_driver_sql("ANALYZE sqlite_master")
