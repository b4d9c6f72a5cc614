"""Run by Alembic: migrates over the connection it is given, inside that one's transaction."""

from __future__ import annotations

from alembic import context

from dream_gateway.records.rollup_schema import EVERY

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=EVERY,
    transactional_ddl=False,
)
context.run_migrations()
