"""What billing routes take and give."""

from __future__ import annotations

from dream_gateway.service.values import PlanName, Shape, WebUrl


class CheckoutRequest(Shape):
    """A tier to subscribe to, and where to come back to: URLs of the project's origins."""

    tier: PlanName
    success_url: WebUrl | None = None
    cancel_url: WebUrl | None = None


class CheckoutAnswer(Shape):
    """The page to send the customer to."""

    url: str
    session_id: str


class PortalRequest(Shape):
    """Where to come back to: a URL of the project's origins."""

    return_url: WebUrl | None = None


class PortalAnswer(Shape):
    """The page to send the customer to."""

    url: str
