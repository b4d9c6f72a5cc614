"""What billing routes take and give."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Literal

from dream_gateway.service.values import PlanName, Shape, WebUrl


class CheckoutRequest(Shape):
    """A tier to subscribe to, and where to come back to: URLs of the project's origins."""

    tier: PlanName
    success_url: WebUrl | None = None
    cancel_url: WebUrl | None = None


class CheckoutAnswer(Shape):
    """Where to send the customer, and what it comes to that they chose this tier.

    `change` is `checkout` if they have to pay first, on the page `url`. For one who pays already
    there is no session, and `url` is where they come back to: the change is made `now`, or will be at
    `effectiveAt` (`period_end`), or what they have goes on, and nothing is scheduled (`kept`).
    """

    url: str
    session_id: str | None
    change: Literal["checkout", "now", "period_end", "kept"]
    effective_at: datetime | None


class PortalRequest(Shape):
    """Where to come back to: a URL of the project's origins."""

    return_url: WebUrl | None = None


class PortalAnswer(Shape):
    """The page to send the customer to."""

    url: str
