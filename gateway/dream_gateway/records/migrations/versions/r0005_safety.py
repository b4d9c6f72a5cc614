"""Who asked for a change; what is imported of Stripe: accounts, subscriptions, events."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("audit_log", Column("request_id", Text))
    op.create_index("audit_log_project", "audit_log", ["project_id", "position"])
    _create_stripe_tokens()
    _create_subscriptions()
    _create_events()


def _position() -> Column[int]:
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column("position", number, primary_key=True, autoincrement=True)


def _create_stripe_tokens() -> None:
    op.create_table(
        "stripe_tokens",
        Column("id", String(64), primary_key=True),
        Column("platform_id", String(64), ForeignKey("platforms.id"), nullable=False),
        Column("mode", String(8), nullable=False),
        Column("account_id", String(255), nullable=False),
        Column("scope", Text),
        Column("access_token", LargeBinary),
        Column("refresh_token", LargeBinary),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("platform_id", "mode"),
    )


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False, index=True),
        Column("subscription_id", String(255), nullable=False),
        Column("stripe_customer_id", String(255)),
        Column("plan", Text),
        Column("price_id", String(255)),
        Column("status", String(32), nullable=False),
        Column("period_start", Float),
        Column("period_end", Float),
        Column("cancel_at", Float),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("project_id", "subscription_id"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        _position(),
        Column("platform_id", String(64), ForeignKey("platforms.id"), nullable=False),
        Column("event_id", String(255), nullable=False),
        Column("type", Text),
        Column("at", Float, nullable=False),
        UniqueConstraint("platform_id", "event_id"),
    )
