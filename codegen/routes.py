"""The one definition of the client's surface: which method asks which route.

Everything else about a method (what it takes and gives, and what it says of itself) is in the
service's OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """A method of the client, and what it asks.

    `group` is the attribute of the client that has it, empty for the client itself. `subject` is the
    name of the path's `{id}`. `repeatable` says of a POST that takes no `Idempotency-Key` that to
    ask it twice does no more than to ask it once.
    """

    group: str
    name: str
    method: str
    path: str
    subject: str = ""
    repeatable: bool = False


ROUTES = (
    Route("", "verify", "POST", "/api/verify"),
    Route("usage", "track", "POST", "/api/data"),
    Route("usage", "check", "GET", "/api/usage"),
    Route("usage", "batch", "POST", "/api/usage/batch", repeatable=True),  # each event has its key
    Route("usage", "void", "POST", "/api/usage/{eventId}/void"),
    Route("customers", "create", "POST", "/api/customers"),
    Route("customers", "list", "GET", "/api/customers"),
    Route("customers", "get", "GET", "/api/customers/{id}", "customer_id"),
    Route("customers", "update", "PATCH", "/api/customers/{id}", "customer_id"),
    Route("customers", "delete", "DELETE", "/api/customers/{id}", "customer_id"),
    Route("keys", "create", "POST", "/api/customers/{id}/keys", "customer_id"),
    Route("keys", "list", "GET", "/api/customers/{id}/keys", "customer_id"),
    Route("keys", "get", "GET", "/api/keys/{keyId}"),
    Route("keys", "update", "PATCH", "/api/keys/{keyId}"),
    Route("keys", "rotate", "POST", "/api/keys/{keyId}/rotate"),
    Route("keys", "delete", "DELETE", "/api/keys/{keyId}"),
    Route("tiers", "list", "GET", "/api/tiers"),
    Route("tiers", "get", "GET", "/api/tiers/{name}"),
    Route("tiers", "create", "POST", "/api/tiers"),
    Route("tiers", "update", "PUT", "/api/tiers/{name}"),
    Route("tiers", "delete", "DELETE", "/api/tiers/{name}"),
    Route("products", "list", "GET", "/api/products"),
    Route("products", "get", "GET", "/api/products/{id}", "product"),
    Route("products", "create", "POST", "/api/products"),
    Route("products", "update", "PUT", "/api/products/{id}", "product"),
    Route("products", "delete", "DELETE", "/api/products/{id}", "product"),
    Route("products", "list_tiers", "GET", "/api/tiers"),
    Route("products", "cart_checkout", "POST", "/api/cart/checkout"),
    Route("billing", "create_checkout", "POST", "/api/create-checkout", repeatable=True),
    Route("billing", "open_portal", "POST", "/api/customer-portal", repeatable=True),
    Route("orders", "list", "GET", "/api/orders"),
    Route("orders", "get", "GET", "/api/orders/{id}", "order_id"),
    Route("webhook_endpoints", "list", "GET", "/api/webhook-endpoints"),
    Route("webhook_endpoints", "create", "POST", "/api/webhook-endpoints"),
    Route("webhook_endpoints", "get", "GET", "/api/webhook-endpoints/{id}", "endpoint_id"),
    Route("webhook_endpoints", "update", "PATCH", "/api/webhook-endpoints/{id}", "endpoint_id"),
    Route("webhook_endpoints", "delete", "DELETE", "/api/webhook-endpoints/{id}", "endpoint_id"),
    Route(
        "webhook_endpoints", "rotate", "POST", "/api/webhook-endpoints/{id}/rotate", "endpoint_id"
    ),
    Route("webhook_endpoints", "test", "POST", "/api/webhook-endpoints/{id}/test", "endpoint_id"),
    Route(
        "webhook_endpoints", "replay", "POST", "/api/webhook-endpoints/{id}/replay", "endpoint_id"
    ),
    Route("webhook_messages", "list", "GET", "/api/webhook-messages"),
    Route("webhook_messages", "get", "GET", "/api/webhook-messages/{id}", "message_id"),
    Route("dashboard", "get", "GET", "/api/dashboard"),
    Route("dashboard", "get_totals", "GET", "/api/dashboard/totals"),
    Route("dashboard", "get_series", "GET", "/api/dashboard/series"),
    Route("auth", "exchange", "POST", "/api/auth/exchange"),
)
