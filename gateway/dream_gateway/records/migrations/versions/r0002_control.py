"""Developers and their platforms, products, and what projects are set to."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _change_projects()
    _create_products()
    _create_developers()
    _change_logs()
    op.create_index("end_users_plan", "end_users", ["project_id", "plan"])
    op.create_index("api_keys_project", "api_keys", ["project_id", "kind"])


def _position() -> Column[int]:
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column("position", number, primary_key=True, autoincrement=True)


def _change_projects() -> None:
    promoted_from = ForeignKey("projects.id", name="projects_promoted_from")
    for column in (
        Column("type", String(8), nullable=False, server_default="saas"),
        Column("branding", JSON, nullable=False, server_default="{}"),
        Column("deleted_at", Float),
    ):
        op.add_column("projects", column)
    # SQLite adds a column with its reference only in one statement, which Alembic does not write.
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE projects ADD COLUMN promoted_from VARCHAR(64) "
            "CONSTRAINT projects_promoted_from REFERENCES projects (id)"
        )
    else:
        op.add_column("projects", Column("promoted_from", String(64), promoted_from))
    op.create_index("ix_projects_promoted_from", "projects", ["promoted_from"])
    op.create_index("projects_platform", "projects", ["platform_id"])
    op.create_table(
        "origins",
        Column("project_id", String(64), ForeignKey("projects.id"), primary_key=True),
        Column("origin", String(255), primary_key=True, index=True),
    )


def _create_products() -> None:
    op.create_table(
        "products",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("price", BigInteger, nullable=False),
        Column("currency", String(3), nullable=False),
        Column("image_url", Text),
        Column("inventory", BigInteger),
        Column("sold_out", Boolean, nullable=False),
        Column("features", JSON, nullable=False),
        Column("price_id", Text),
        Column("product_id", Text),
        Column("created_at", Float, nullable=False),
        Column("deleted_at", Float),
        Index(
            "products_name",
            "project_id",
            "name",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )


def _create_developers() -> None:
    op.create_table(
        "developers",
        Column("id", String(64), primary_key=True),
        Column("issuer", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("email", Text),
        Column("email_verified", Boolean, nullable=False),
        Column("first_name", Text),
        Column("last_name", Text),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "memberships",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("platform_id", String(64), ForeignKey("platforms.id"), nullable=False),
        Column("developer_id", String(64), ForeignKey("developers.id"), index=True),
        Column("email", Text, index=True),
        Column("role", String(16), nullable=False),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("platform_id", "developer_id"),
    )


def _change_logs() -> None:
    op.add_column("audit_log", Column("platform_id", String(64)))
    op.add_column("audit_log", Column("project_id", String(64)))
    op.create_index("audit_log_platform", "audit_log", ["platform_id", "position"])
    op.execute("ALTER TABLE idempotency RENAME COLUMN project_id TO scope")
