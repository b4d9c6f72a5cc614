"""What is sold, to whom, and what came of it; what payment providers and developers are told."""

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
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("platforms", Column("unpaid", Boolean, nullable=False, server_default="0"))
    op.add_column("end_users", Column("subscription", JSON))
    for name in ("plan_since", "anchor_since"):
        op.add_column("end_users", Column(name, Float, nullable=False, server_default="0"))
    op.add_column("tiers", Column("overage_since", Float, nullable=False, server_default="0"))
    _change_accounts()
    _change_subscriptions()
    _create_connect_states()
    _create_payers()
    _create_prices()
    _create_checkouts()
    _create_polls()
    _create_catalogue_pushes()
    _create_inbox()
    _create_orders()
    _create_order_lines()
    _create_platform_plans()
    _create_rounds()
    _create_overage_marks()
    _create_overage_reports()
    _create_webhook_endpoints()
    _create_messages()
    _create_dispatches()
    _create_thresholds()
    _create_chores()


def _position() -> Column[int]:
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column("position", number, primary_key=True, autoincrement=True)


def _change_accounts() -> None:
    for column in (
        Column("status", String(16), nullable=False, server_default="active"),
        Column("charges", Boolean, nullable=False, server_default="1"),
        Column("changed_at", Float, nullable=False, server_default="0"),
    ):
        op.add_column("stripe_tokens", column)


def _change_subscriptions() -> None:
    for column in (
        Column("account_id", String(255), nullable=False, server_default=""),
        Column("amount", BigInteger, nullable=False, server_default="0"),
        Column("currency", String(3), nullable=False, server_default="usd"),
        Column("interval", String(16), nullable=False, server_default="month"),
        Column("interval_count", Integer, nullable=False, server_default="1"),
        Column("quantity", BigInteger, nullable=False, server_default="1"),
        Column("canceled_at", Float),
        Column("ended_at", Float),
        Column("trial_end", Float),
        Column("metered", Boolean, nullable=False, server_default="0"),
        Column("scheduled_plan", Text),
        Column("scheduled_at", Float),
        Column("past_due_since", Float),
        Column("asked_at", Float, nullable=False, server_default="0"),
        Column("ask_at", Float),
        Column("version", Integer, nullable=False, server_default="1"),
    ):
        op.add_column("subscriptions", column)
    op.create_index("ix_subscriptions_ask_at", "subscriptions", ["ask_at"])
    op.create_index("subscriptions_account", "subscriptions", ["account_id", "subscription_id"])


def _create_connect_states() -> None:
    op.create_table(
        "connect_states",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("platform_id", String(64), ForeignKey("platforms.id"), nullable=False),
        Column("developer_id", String(64), ForeignKey("developers.id"), nullable=False),
        Column("mode", String(8), nullable=False),
        Column("return_url", Text, nullable=False),
        Column("expires_at", Float, nullable=False, index=True),
    )


def _create_payers() -> None:
    op.create_table(
        "payers",
        Column("account_id", String(255), primary_key=True),
        Column("payer_id", String(255), primary_key=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("customer_id", "account_id"),
    )


def _create_prices() -> None:
    op.create_table(
        "prices",
        Column("account_id", String(255), primary_key=True),
        Column("price_id", String(255), primary_key=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("ref", Text, nullable=False),
        Column("provider_product_id", String(255), nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("currency", String(3), nullable=False),
        Column("interval", String(16)),
        Column("meter", String(255)),
        Column("current", Boolean, nullable=False),
        Column("created_at", Float, nullable=False),
        Index("prices_ref", "project_id", "kind", "ref"),
    )


def _create_checkouts() -> None:
    op.create_table(
        "checkouts",
        Column("id", String(64), primary_key=True),
        Column("account_id", String(255), nullable=False),
        Column("live", Boolean, nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False),
        Column("fingerprint", LargeBinary(32), nullable=False),
        Column("session_id", String(255)),
        Column("status", String(16), nullable=False),
        Column("created_at", Float, nullable=False),
        Column("ask_at", Float, nullable=False),
        UniqueConstraint("account_id", "session_id"),
        Index("checkouts_customer", "customer_id", "status"),
        Index("checkouts_due", "status", "ask_at"),
    )


def _create_polls() -> None:
    op.create_table(
        "polls",
        Column("account_id", String(255), primary_key=True),
        Column("live", Boolean, primary_key=True),
        Column("polled_at", Float, nullable=False),
    )


def _create_catalogue_pushes() -> None:
    op.create_table(
        "catalogue_pushes",
        Column("project_id", String(64), ForeignKey("projects.id"), primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("pushed", BigInteger, nullable=False),
        Column("status", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("due_at", Float, nullable=False),
        Column("fault", Text),
        Column("pushed_at", Float),
        Index("catalogue_pushes_due", "status", "due_at"),
    )


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        _position(),
        Column("endpoint", String(16), nullable=False),
        Column("account_id", String(255), nullable=False),
        Column("live", Boolean, nullable=False),
        Column("event_id", String(255), nullable=False),
        Column("type", String(255), nullable=False),
        Column("about", String(16), nullable=False),
        Column("ref", String(255), nullable=False),
        Column("gone", Boolean, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("received_at", Float, nullable=False),
        Column("status", String(16), nullable=False),
        Column("attempts", Integer, nullable=False, default=0),
        Column("due_at", Float, nullable=False),
        Column("lease", String(64)),
        Column("leased_until", Float),
        Column("fault", Text),
        Column("done_at", Float),
        Column("platform_id", String(64)),
        Column("project_id", String(64)),
        UniqueConstraint("endpoint", "account_id", "live", "event_id"),
        Index("inbox_due", "status", "due_at"),
        Index("inbox_ref", "account_id", "ref", "status"),
        Index("inbox_platform", "platform_id", "position"),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), index=True),
        Column("email", Text),
        Column("status", String(16), nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("refunded", BigInteger, nullable=False, default=0),
        Column("currency", String(3), nullable=False),
        Column("account_id", String(255), nullable=False),
        Column("live", Boolean, nullable=False),
        Column("session_id", String(255)),
        Column("payment_id", String(255)),
        Column("created_at", Float, nullable=False),
        Column("expires_at", Float, nullable=False),
        Column("due_at", Float, nullable=False),
        Column("settled_at", Float),
        UniqueConstraint("account_id", "session_id"),
        Index("orders_project", "project_id", "position"),
        Index("orders_due", "status", "due_at"),
        Index("orders_payment", "account_id", "payment_id"),
    )


def _create_order_lines() -> None:
    op.create_table(
        "order_lines",
        Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
        Column("product_id", String(64), ForeignKey("products.id"), primary_key=True),
        Column("quantity", BigInteger, nullable=False),
        Column("name", Text, nullable=False),
        Column("unit_amount", BigInteger, nullable=False),
        Column("reserved", Boolean, nullable=False),
    )


def _create_platform_plans() -> None:
    op.create_table(
        "platform_plans",
        Column("platform_id", String(64), ForeignKey("platforms.id"), primary_key=True),
        Column("payer_id", String(255), unique=True),
        Column("subscription_id", String(255), unique=True),
        Column("status", String(32)),
        Column("period_end", Float),
        Column("cancel_at", Float),
        Column("grace_until", Float),
        Column("session_id", String(255)),
        Column("session_key", String(255)),
        Column("ask_at", Float, index=True),
        Column("version", Integer, nullable=False),
    )


def _create_rounds() -> None:
    op.create_table(
        "rounds",
        Column("name", String(64), primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("due_at", Float, nullable=False),
    )


def _create_overage_marks() -> None:
    op.create_table(
        "overage_marks",
        Column("counter", String(255), primary_key=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False, index=True),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False, index=True),
        Column("period_start", Float, nullable=False),
        Column("period_end", Float),
        Column("accounted", BigInteger, nullable=False),
        Column("since", Float, nullable=False),
        Column("closed", Boolean, nullable=False),
    )


def _create_overage_reports() -> None:
    op.create_table(
        "overage_reports",
        Column("identifier", String(100), primary_key=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("customer_id", String(64), ForeignKey("end_users.id"), nullable=False),
        Column("account_id", String(255), nullable=False),
        Column("live", Boolean, nullable=False),
        Column("meter", String(255), nullable=False),
        Column("payer_id", String(255), nullable=False),
        Column("counter", String(255), nullable=False),
        Column("before", BigInteger, nullable=False),
        Column("upto", BigInteger, nullable=False),
        Column("at", Float, nullable=False),
        Column("status", String(16), nullable=False),
        Column("attempts", Integer, nullable=False, default=0),
        Column("tried_at", Float),
        Column("due_at", Float, nullable=False),
        Column("fault", Text),
        Column("sent_at", Float),
        UniqueConstraint("counter", "upto"),
        Index("overage_reports_due", "status", "due_at"),
        Index("overage_reports_meter", "account_id", "meter", "payer_id", "at"),
        Index("overage_reports_project", "project_id", "at"),
    )


def _create_webhook_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False, index=True),
        Column("url", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("types", JSON, nullable=False),
        Column("secret", LargeBinary),
        Column("previous_secret", LargeBinary),
        Column("previous_until", Float),
        Column("status", String(16), nullable=False),
        Column("fault", Text),
        Column("failures", Integer, nullable=False),
        Column("failing_since", Float),
        Column("paused_until", Float),
        Column("created_at", Float, nullable=False),
        Column("deleted_at", Float),
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        _position(),
        Column("id", String(64), nullable=False, unique=True),
        Column("project_id", String(64), ForeignKey("projects.id"), nullable=False),
        Column("type", String(64), nullable=False),
        Column("cause", String(255), nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", Float, nullable=False, index=True),
        UniqueConstraint("project_id", "cause"),
        Index("messages_project", "project_id", "position"),
    )


def _create_dispatches() -> None:
    op.create_table(
        "dispatches",
        _position(),
        Column("message_id", String(64), ForeignKey("messages.id"), nullable=False),
        Column("endpoint_id", String(64), ForeignKey("webhook_endpoints.id"), nullable=False),
        Column("status", String(16), nullable=False),
        Column("attempts", Integer, nullable=False, default=0),
        Column("due_at", Float, nullable=False),
        Column("tried_at", Float),
        Column("answer", Integer),
        Column("fault", Text),
        Column("done_at", Float),
        UniqueConstraint("message_id", "endpoint_id"),
        Index("dispatches_due", "status", "due_at"),
        Index("dispatches_endpoint", "endpoint_id", "status", "due_at"),
    )


def _create_thresholds() -> None:
    op.create_table(
        "thresholds",
        Column("counter", Text, primary_key=True),
        Column("percent", Integer, primary_key=True),
        Column("period_end", Float, index=True),
        Column("told_at", Float, nullable=False),
    )


def _create_chores() -> None:
    op.create_table(
        "chores",
        Column("name", String(64), primary_key=True),
        Column("due_at", Float, nullable=False),
    )
