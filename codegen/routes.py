"""The one definition of the clients' surface: which method asks which route, in Python and JavaScript.

Everything else about a method (what it takes and gives, who may call it, and what it says of itself)
is in the service's OpenAPI document. Names are Python's: JavaScript has them in camel case.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """A method of the clients, and what it asks.

    `group` is the attribute of the client that has it, empty for the client itself. `subject` is what
    Python calls the path's `{id}`. `repeatable` says of a POST that takes no `Idempotency-Key` that to
    ask it twice does no more than to ask it once. `key_is_input`: in JavaScript the idempotency key is
    a member of the input, being the event's own, and not only an option of the call.
    """

    group: str
    name: str
    method: str
    path: str
    subject: str = ""
    repeatable: bool = False
    key_is_input: bool = False

    @property
    def full_name(self) -> str:
        """The name with its group's, as it is called."""
        return f"{self.group}.{self.name}" if self.group else self.name


ROUTES = (
    Route("usage", "track", "POST", "/api/data", key_is_input=True),
    Route("usage", "check", "GET", "/api/usage"),
    Route("usage", "batch", "POST", "/api/usage/batch", repeatable=True),  # each event has its key
    Route("usage", "void", "POST", "/api/usage/{eventId}/void", key_is_input=True),
    Route("", "verify", "POST", "/api/verify"),
    Route("customers", "create", "POST", "/api/customers"),
    Route("customers", "list", "GET", "/api/customers"),
    Route("customers", "get", "GET", "/api/customers/{id}", subject="customer_id"),
    Route("customers", "update", "PATCH", "/api/customers/{id}", subject="customer_id"),
    Route("customers", "delete", "DELETE", "/api/customers/{id}", subject="customer_id"),
    Route("keys", "create", "POST", "/api/customers/{id}/keys", subject="customer_id"),
    Route("keys", "list", "GET", "/api/customers/{id}/keys", subject="customer_id"),
    Route("keys", "get", "GET", "/api/keys/{keyId}"),
    Route("keys", "update", "PATCH", "/api/keys/{keyId}"),
    Route("keys", "rotate", "POST", "/api/keys/{keyId}/rotate"),
    Route("keys", "delete", "DELETE", "/api/keys/{keyId}"),
    Route("tiers", "list", "GET", "/api/tiers"),
    Route("tiers", "get", "GET", "/api/tiers/{name}"),
    Route("tiers", "create", "POST", "/api/tiers"),
    Route("tiers", "update", "PUT", "/api/tiers/{name}"),
    Route("tiers", "delete", "DELETE", "/api/tiers/{name}"),
    Route("products", "list_tiers", "GET", "/api/tiers"),
    Route("products", "list", "GET", "/api/products"),
    Route("products", "get", "GET", "/api/products/{id}", subject="product"),
    Route("products", "create", "POST", "/api/products"),
    Route("products", "update", "PUT", "/api/products/{id}", subject="product"),
    Route("products", "delete", "DELETE", "/api/products/{id}", subject="product"),
    Route("products", "cart_checkout", "POST", "/api/cart/checkout"),
    Route("billing", "create_checkout", "POST", "/api/create-checkout", repeatable=True),
    Route("billing", "open_portal", "POST", "/api/customer-portal", repeatable=True),
    Route("orders", "list", "GET", "/api/orders"),
    Route("orders", "get", "GET", "/api/orders/{id}", subject="order_id"),
    Route("dashboard", "get", "GET", "/api/dashboard"),
    Route("dashboard", "get_totals", "GET", "/api/dashboard/totals"),
    Route("dashboard", "get_series", "GET", "/api/dashboard/series"),
    Route("auth", "exchange", "POST", "/api/auth/exchange"),
    Route("webhook_endpoints", "list", "GET", "/api/webhook-endpoints"),
    Route("webhook_endpoints", "create", "POST", "/api/webhook-endpoints"),
    Route("webhook_endpoints", "get", "GET", "/api/webhook-endpoints/{id}", subject="endpoint_id"),
    Route(
        "webhook_endpoints", "update", "PATCH", "/api/webhook-endpoints/{id}", subject="endpoint_id"
    ),
    Route(
        "webhook_endpoints",
        "delete",
        "DELETE",
        "/api/webhook-endpoints/{id}",
        subject="endpoint_id",
    ),
    Route(
        "webhook_endpoints",
        "rotate",
        "POST",
        "/api/webhook-endpoints/{id}/rotate",
        subject="endpoint_id",
    ),
    Route(
        "webhook_endpoints",
        "test",
        "POST",
        "/api/webhook-endpoints/{id}/test",
        subject="endpoint_id",
    ),
    Route(
        "webhook_endpoints",
        "replay",
        "POST",
        "/api/webhook-endpoints/{id}/replay",
        subject="endpoint_id",
    ),
    Route("webhook_messages", "list", "GET", "/api/webhook-messages"),
    Route("webhook_messages", "get", "GET", "/api/webhook-messages/{id}", subject="message_id"),
    Route("platform", "sign_up", "POST", "/platform/sign-up"),
    Route("platform", "get", "GET", "/platform"),
    Route("platform", "update", "PATCH", "/platform"),
    Route("platform", "list", "GET", "/platform/platforms"),
    Route("platform", "audit", "GET", "/platform/audit"),
    Route("platform", "get_subscription", "GET", "/platform/subscription"),
    Route("platform", "create_checkout", "POST", "/platform/subscription"),
    Route("platform", "open_portal", "POST", "/platform/billing-portal"),
    Route("members", "list", "GET", "/platform/members"),
    Route("members", "create", "POST", "/platform/members"),
    Route("members", "update", "PATCH", "/platform/members/{memberId}"),
    Route("members", "delete", "DELETE", "/platform/members/{memberId}"),
    Route("projects", "list", "GET", "/platform/projects"),
    Route("projects", "create", "POST", "/platform/projects"),
    Route("projects", "get", "GET", "/platform/projects/{projectId}"),
    Route("projects", "update", "PATCH", "/platform/projects/{projectId}"),
    Route("projects", "delete", "DELETE", "/platform/projects/{projectId}"),
    Route("projects", "restore", "POST", "/platform/projects/{projectId}/restore"),
    Route("projects", "promote", "POST", "/platform/projects/{projectId}/promote"),
    Route(
        "projects",
        "replay_payment_events",
        "POST",
        "/platform/projects/{projectId}/payment-events/replay",
    ),
    Route("credentials", "list", "GET", "/platform/projects/{projectId}/credentials"),
    Route("credentials", "create", "POST", "/platform/projects/{projectId}/credentials"),
    Route(
        "credentials", "rotate", "POST", "/platform/projects/{projectId}/credentials/{keyId}/rotate"
    ),
    Route("credentials", "delete", "DELETE", "/platform/projects/{projectId}/credentials/{keyId}"),
    Route(
        "credentials",
        "rotate_publishable_key",
        "POST",
        "/platform/projects/{projectId}/publishable-key/rotate",
    ),
    Route("catalogue", "get", "GET", "/platform/projects/{projectId}/catalogue"),
    Route("catalogue", "push", "POST", "/platform/projects/{projectId}/catalogue"),
    Route("catalogue", "get_drift", "GET", "/platform/projects/{projectId}/catalogue/drift"),
    Route("connections", "list", "GET", "/platform/connections"),
    Route("connections", "authorize", "POST", "/oauth/authorize"),
    Route("connections", "complete", "POST", "/oauth/callback"),
    Route("connections", "onboard", "POST", "/platform/connections/{mode}/onboarding"),
    Route("connections", "refresh", "POST", "/platform/connections/{mode}/refresh"),
    Route("connections", "delete", "DELETE", "/platform/connections/{mode}"),
    Route("operator", "get_overview", "GET", "/operator/overview"),
    Route("operator", "list_platforms", "GET", "/operator/platforms"),
    Route("operator", "suspend_platform", "POST", "/operator/platforms/{platformId}/suspend"),
    Route("operator", "resume_platform", "POST", "/operator/platforms/{platformId}/resume"),
    Route("status", "health", "GET", "/health"),
    Route("status", "ready", "GET", "/ready"),
)

LEFT_OUT = {
    "GET /openapi.json": "it describes the others",
    "GET /oauth/callback": "a browser is sent there",
    "POST /webhook/stripe": "the payment provider calls it",
    "POST /webhook/stripe/platform": "the payment provider calls it",
    "POST /webhook/clerk": "the identity provider calls it",
}
"""Routes that no client asks, and why."""
