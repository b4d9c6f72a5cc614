"""The records' tables, on SQLite and PostgreSQL.

Rows carry internal ids, so a rotated key orphans nobody.

Instants are seconds since the epoch, UTC. `position` keeps the order of creation. On PostgreSQL
triggers (`feed`) see to it that `changes` commits in the order of `seq`, and tell followers.

This is how the tables are at the newest revision, with those of `billing_schema` and `rollup_schema`;
the migrations make them so, step by step.
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
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()


def number() -> BigInteger:
    """Return the type of a number that counts up; only this type of SQLite's does."""
    return BigInteger().with_variant(Integer, "sqlite")


platforms = Table(
    "platforms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    # By the operator, and for not paying its own plan: each is undone on its own.
    Column("suspended", Boolean, nullable=False, default=False),
    Column("unpaid", Boolean, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("default_tier", Text, nullable=False),
    Column("alignment", String(16), nullable=False),
    Column("allowances", JSON, nullable=False),
    # Meant to be read by anybody, and shown to the developer again and again: kept as it is.
    Column("publishable_key", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("type", String(8), nullable=False, server_default="saas"),
    Column("branding", JSON, nullable=False, server_default="{}"),
    # Of a live project: the test project that it was last made from.
    Column("promoted_from", ForeignKey("projects.id", name="projects_promoted_from"), index=True),
    Column("deleted_at", Float),
    Index("projects_platform", "platform_id"),
)

origins = Table(
    "origins",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("origin", String(255), primary_key=True, index=True),
)

tiers = Table(
    "tiers",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", JSON, nullable=False),
    # Since when use beyond its limit is paid, from a limit no higher than it is now.
    Column("overage_since", Float, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "name"),
)

products = Table(
    "products",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("image_url", Text),
    # Units in stock, which an order takes with one statement; null: they are not counted.
    Column("inventory", BigInteger),
    Column("sold_out", Boolean, nullable=False),
    Column("features", JSON, nullable=False),
    Column("price_id", Text),
    Column("product_id", Text),
    Column("created_at", Float, nullable=False),
    Column("deleted_at", Float),
    # A deleted product's name may be taken again.
    Index(
        "products_name",
        "project_id",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

developers = Table(
    "developers",
    metadata,
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

memberships = Table(
    "memberships",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    # Null until the one who was invited by `email` signs in.
    Column("developer_id", ForeignKey("developers.id"), index=True),
    Column("email", Text, index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("platform_id", "developer_id"),
)

dashboard_sessions = Table(
    "dashboard_sessions",
    metadata,
    # Of the secret in the browser's cookie.
    Column("digest", LargeBinary(32), primary_key=True),
    # Null for the operator: then `operator` is the digest of the token they signed in with.
    Column("developer_id", ForeignKey("developers.id"), index=True),
    Column("operator", LargeBinary(32)),
    # Of a link that may be opened once, for a session of its own.
    Column("is_link", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

end_users = Table(
    "end_users",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("plan", Text, nullable=False),
    # When it was changed last; zero for whom it never was.
    Column("plan_since", Float, nullable=False, server_default="0"),
    Column("anchor", Float, nullable=False),
    # Likewise: with another anchor, other counters begin.
    Column("anchor_since", Float, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("email", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("metadata", JSON, nullable=False),
    # How the newest subscription stands, for people: the rows of `subscriptions` decide.
    Column("subscription", JSON(none_as_null=True)),
    Column("suspended", Boolean, nullable=False, server_default="0"),
    Column("deleted_at", Float),
    # A deleted customer's name may be taken again.
    Index(
        "end_users_external_id",
        "project_id",
        "external_id",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index("end_users_plan", "project_id", "plan"),
    Index("end_users_position", "project_id", "position"),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # A deleted customer's link stays, so that a token does not make them anew.
    Column("customer_id", ForeignKey("end_users.id"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    # When what the provider told of the user last was so: news may come in any order.
    Column("told_at", Float, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "issuer", "subject"),
    Index("identity_links_user", "issuer", "subject"),
)

deliveries = Table(
    "deliveries",
    metadata,
    # What a webhook was told, each once, though it is sent again.
    Column("endpoint", String(64), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("kind", String(2), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), index=True),
    Column("prefix", String(16), nullable=False),
    Column("last4", String(4), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("expires_at", Float),
    Column("allowed_ips", JSON, nullable=False),
    Column("rate", JSON),
    Column("metadata", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    # Null for one that never was, as far as is known.
    Column("last_used_at", Float),
    Index("api_keys_project", "project_id", "kind"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("at", Float, nullable=False),
    # Whose it is; null where an operator did something that is nobody's.
    Column("platform_id", String(64)),
    Column("project_id", String(64)),
    # The id of the request that asked for it; null where there was none.
    Column("request_id", Text),
    Index("audit_log_platform", "platform_id", "position"),
    Index("audit_log_project", "project_id", "position"),
    Index("audit_log_object", "project_id", "object", "position"),
)

stripe_tokens = Table(
    "stripe_tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    Column("mode", String(8), nullable=False),
    Column("account_id", String(255), nullable=False),
    Column("scope", Text),
    # Sealed: see `records.sealed`. Null where only the account is known, which is all we ask for.
    Column("access_token", LargeBinary),
    Column("refresh_token", LargeBinary),
    # `active`, `onboarding`, or `deauthorized`: what is known of it is kept.
    Column("status", String(16), nullable=False, server_default="active"),
    Column("charges", Boolean, nullable=False, server_default="1"),
    Column("changed_at", Float, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("platform_id", "mode"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("customer_id", ForeignKey("end_users.id"), nullable=False, index=True),
    Column("subscription_id", String(255), nullable=False),
    Column("stripe_customer_id", String(255)),
    Column("plan", Text),
    Column("price_id", String(255)),
    Column("status", String(32), nullable=False),
    Column("period_start", Float),
    Column("period_end", Float),
    Column("cancel_at", Float),
    Column("created_at", Float, nullable=False),
    Column("account_id", String(255), nullable=False, server_default=""),
    Column("amount", BigInteger, nullable=False, server_default="0"),
    Column("currency", String(3), nullable=False, server_default="usd"),
    Column("interval", String(16), nullable=False, server_default="month"),
    Column("interval_count", Integer, nullable=False, server_default="1"),
    Column("quantity", BigInteger, nullable=False, server_default="1"),
    Column("canceled_at", Float),
    Column("ended_at", Float),
    Column("trial_end", Float),
    # Whether it has the price of use beyond what its plan includes.
    Column("metered", Boolean, nullable=False, server_default="0"),
    Column("scheduled_plan", Text),
    Column("scheduled_at", Float),
    # Since when it is not paid; its grace begins there.
    Column("past_due_since", Float),
    # When the provider was last asked, and when it is to be asked again without any news.
    Column("asked_at", Float, nullable=False, server_default="0"),
    Column("ask_at", Float, index=True),
    # Counts the changes: what was asked for before the last one is older than it.
    Column("version", Integer, nullable=False, server_default="1"),
    UniqueConstraint("project_id", "subscription_id"),
    Index("subscriptions_account", "account_id", "subscription_id"),
)

# Webhooks that were handled, so that a repeat is known.
events = Table(
    "events",
    metadata,
    Column("position", number(), primary_key=True, autoincrement=True),
    Column("platform_id", ForeignKey("platforms.id"), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("type", Text),
    Column("at", Float, nullable=False),
    UniqueConstraint("platform_id", "event_id"),
)

schema_readers = Table(
    "schema_readers",
    metadata,
    # One row: the revision of the oldest version that may run on the tables as they are.
    Column("oldest", String(16), primary_key=True),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", number(), primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("at", Float, nullable=False),
    # A number is never used twice, even if the newest row went. PostgreSQL needs no telling.
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    # The project, or else the platform, that asked.
    Column("scope", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)
