"""The records' tables about money: prices, subscriptions' events, orders, what is told and reported.

Amounts are whole numbers of the currency's minor unit; instants are seconds since the epoch, UTC.
`account_id` is a payment provider's account: empty for the operator's own.
"""

from __future__ import annotations

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
    Table,
    Text,
    UniqueConstraint,
)

from dream_gateway.records.schema import metadata, number

EVERY = metadata
"""The tables of the records, these and those of `schema`."""

# One way to a provider's page and back, taken once.
connect_states = Table(
    "connect_states",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    # Who asked, and nobody else, may come back with it.
    Column("developer_id", ForeignKey("developers.id"), nullable=False),
    Column("mode", String(8), nullable=False),
    Column("return_url", Text, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

# Whom the provider knows our customers as: who pays is told by this, and never by metadata.
payers = Table(
    "payers",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("payer_id", String(255), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("customer_id", "account_id"),
)

# What each price ever sold, so that who still pays an old one has what it is for.
prices = Table(
    "prices",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("price_id", String(255), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    # `tier`, `product` or `overage`, and the tier's name or the product's id.
    Column("kind", String(16), nullable=False),
    Column("ref", Text, nullable=False),
    Column("provider_product_id", String(255), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("interval", String(16)),
    Column("meter", String(255)),
    # Whether new customers get this one.
    Column("current", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("prices_ref", "project_id", "kind", "ref"),
)

# Checkouts of subscriptions. Of one customer at most one is open.
checkouts = Table(
    "checkouts",
    metadata,
    # Also what makes opening one at the provider twice the same.
    Column("id", String(64), primary_key=True),
    Column("account_id", String(255), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), nullable=False),
    # A digest of what was asked for: asking for the same again opens no other.
    Column("fingerprint", LargeBinary(32), nullable=False),
    # Null until the provider has it.
    Column("session_id", String(255)),
    # `open` or `closed`.
    Column("status", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    # When the provider is to be asked what became of it.
    Column("ask_at", Float, nullable=False),
    UniqueConstraint("account_id", "session_id"),
    Index("checkouts_customer", "customer_id", "status"),
    Index("checkouts_due", "status", "ask_at"),
)

# When an account was last asked for events that did not reach us.
polls = Table(
    "polls",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("live", Boolean, primary_key=True),
    Column("polled_at", Float, nullable=False),
)

# Whether what a project sells is on sale at the provider as it is here.
catalogue_pushes = Table(
    "catalogue_pushes",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    # Counts the changes; `pushed` is the one that the provider has.
    Column("revision", BigInteger, nullable=False),
    Column("pushed", BigInteger, nullable=False),
    # `pending`, `done` or `failed`.
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is to be tried; a lease moves it ahead.
    Column("due_at", Float, nullable=False),
    Column("fault", Text),
    Column("pushed_at", Float),
    Index("catalogue_pushes_due", "status", "due_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    # `connect` or `platform`; with the account, mode and event it tells deliveries of one event.
    Column("endpoint", String(16), nullable=False),
    Column("account_id", String(255), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("about", String(16), nullable=False),
    # The object it is about: those of one object are taken one after another.
    Column("ref", String(255), nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("received_at", Float, nullable=False),
    # `pending`, `done`, `ignored` or `parked`.
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", Float, nullable=False),
    # Who is at it, and until when nobody else is.
    Column("lease", String(64)),
    Column("leased_until", Float),
    Column("fault", Text),
    Column("done_at", Float),
    # Whose it turned out to be.
    Column("platform_id", String(64)),
    Column("project_id", String(64)),
    UniqueConstraint("endpoint", "account_id", "live", "event_id"),
    Index("inbox_due", "status", "due_at"),
    Index("inbox_ref", "account_id", "ref", "status"),
    Index("inbox_platform", "platform_id", "position"),
    Index("inbox_project", "project_id", "position"),
)

orders = Table(
    "orders",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    # Null for a guest.
    Column("customer_id", ForeignKey("end_users.id"), index=True),
    Column("email", Text),
    # `open`, `paying`, `paid`, `failed`, `expired`, `refunded`, `disputed`.
    Column("status", String(16), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("currency", String(3), nullable=False),
    Column("account_id", String(255), nullable=False),
    Column("live", Boolean, nullable=False),
    # Null until the provider has it.
    Column("session_id", String(255)),
    Column("payment_id", String(255)),
    Column("created_at", Float, nullable=False),
    # Until when it can be paid; what is reserved for it is given back then.
    Column("expires_at", Float, nullable=False),
    # When the provider is asked what became of it, if no news came.
    Column("due_at", Float, nullable=False),
    Column("settled_at", Float),
    UniqueConstraint("account_id", "session_id"),
    Index("orders_project", "project_id", "position"),
    Index("orders_due", "status", "due_at"),
    Index("orders_payment", "account_id", "payment_id"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    # As they were when it was ordered.
    Column("name", Text, nullable=False),
    Column("unit_amount", BigInteger, nullable=False),
    # Whether stock was taken for it: what is not counted has none to give back.
    Column("reserved", Boolean, nullable=False),
)

platform_plans = Table(
    "platform_plans",
    metadata,
    Column("platform_id", ForeignKey("platforms.id"), primary_key=True),
    Column("payer_id", String(255), unique=True),
    Column("subscription_id", String(255), unique=True),
    # As the provider last said; null before the first.
    Column("status", String(32)),
    Column("period_end", Float),
    Column("cancel_at", Float),
    # Until when it is served without being paid.
    Column("grace_until", Float),
    # The checkout that was opened last, and the key that makes it the same one.
    Column("session_id", String(255)),
    Column("session_key", String(255)),
    # When the provider is asked without any news.
    Column("ask_at", Float, index=True),
    # Counts the changes: what was asked for before the last one is older than it.
    Column("version", Integer, nullable=False),
)

# Work that goes through all of something, by one worker at a time, and where it is.
rounds = Table(
    "rounds",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    # Until when nobody else does it.
    Column("due_at", Float, nullable=False),
)

# How far what was used of a paid quota is accounted for: each unit beyond what is included once.
overage_marks = Table(
    "overage_marks",
    metadata,
    # A quota's counter in one period: its name bears the period's start.
    Column("counter", String(255), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False, index=True),
    Column("customer_id", ForeignKey("end_users.id"), nullable=False, index=True),
    Column("period_start", Float, nullable=False),
    Column("period_end", Float),
    # The units used that no report will be made of any more.
    Column("accounted", BigInteger, nullable=False),
    # Since when the customer is on the tier, and the tier as it is: what was used before is not paid.
    Column("since", Float, nullable=False),
    # Whether the period is over, and its last unit is accounted for.
    Column("closed", Boolean, nullable=False),
)

# What customers used beyond what is included, on its way to the provider.
overage_reports = Table(
    "overage_reports",
    metadata,
    Column("identifier", String(100), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), nullable=False),
    Column("account_id", String(255), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("meter", String(255), nullable=False),
    Column("payer_id", String(255), nullable=False),
    Column("counter", String(255), nullable=False),
    # The units used, before and with this report; all of these are beyond what is included.
    Column("before", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    # When they were used, as the provider is told: within the counter's period.
    Column("at", Float, nullable=False),
    # `pending`, `sent` or `parked`.
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    # When it was first tried: past a day, a provider may not know its identifier again.
    Column("tried_at", Float),
    Column("due_at", Float, nullable=False),
    Column("fault", Text),
    Column("sent_at", Float),
    UniqueConstraint("counter", "upto"),
    Index("overage_reports_due", "status", "due_at"),
    Index("overage_reports_meter", "account_id", "meter", "payer_id", "at"),
    Index("overage_reports_project", "project_id", "at"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    # The types of messages that it gets; empty: all.
    Column("types", JSON, nullable=False),
    # Sealed: see `records.sealed`; null once it is deleted. The one before signs, too, for a while.
    Column("secret", LargeBinary),
    Column("previous_secret", LargeBinary),
    Column("previous_until", Float),
    # `enabled` or `disabled`, by whom, and why.
    Column("status", String(16), nullable=False),
    Column("fault", Text),
    # The failures since the last delivery, and until when it is left in peace for them.
    Column("failures", Integer, nullable=False),
    Column("failing_since", Float),
    Column("paused_until", Float),
    Column("created_at", Float, nullable=False),
    Column("deleted_at", Float),
)

messages = Table(
    "messages",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("type", String(64), nullable=False),
    # What it tells of: the same thing is told once.
    Column("cause", String(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
    UniqueConstraint("project_id", "cause"),
    Index("messages_project", "project_id", "position"),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("message_id", ForeignKey("messages.id"), nullable=False),
    Column("endpoint_id", ForeignKey("webhook_endpoints.id"), nullable=False),
    # `pending`, `delivered` or `failed`.
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    # When it is to be tried; while somebody tries it, when another may take it from them.
    Column("due_at", Float, nullable=False),
    Column("tried_at", Float),
    # The status of the last answer, null where none came.
    Column("answer", Integer),
    Column("fault", Text),
    Column("done_at", Float),
    UniqueConstraint("message_id", "endpoint_id"),
    Index("dispatches_due", "status", "due_at"),
    Index("dispatches_endpoint", "endpoint_id", "status", "due_at"),
)

# Thresholds that a customer's usage passed, and that were told: each once in a period.
thresholds = Table(
    "thresholds",
    metadata,
    # The name of the usage counter, which names the customer and the period.
    Column("counter", Text, primary_key=True),
    Column("percent", Integer, primary_key=True),
    # Null for a lifetime.
    Column("period_end", Float, index=True),
    Column("told_at", Float, nullable=False),
)

# What one worker of all does every so often, and when that is due again.
chores = Table(
    "chores",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("due_at", Float, nullable=False),
)
