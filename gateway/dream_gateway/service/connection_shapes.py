"""What the routes of connected accounts take and give."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Literal

from msgspec import Meta, field

from dream_gateway.model import Mode  # noqa: TC001 # and these
from dream_gateway.service.values import Shape, WebUrl

ModeName = Literal["test", "live"]
OneTimeCode = Annotated[str, Meta(min_length=1, max_length=512)]


class ConnectRequest(Shape):
    """Which account to connect, where the provider sends the developer back to, and where we do.

    `redirectUrl` has to be known to the provider; without one it is this service's own
    `/oauth/callback`, which then goes on to `returnUrl`.
    """

    mode: ModeName
    return_url: WebUrl | None = None
    redirect_url: WebUrl | None = None


class ConnectAnswer(Shape):
    """The provider's page to send the developer to, once, until `expiresAt`."""

    url: str
    state: str
    expires_at: datetime


class CallbackRequest(Shape):
    """What the provider sent the developer back with."""

    code: OneTimeCode
    state: OneTimeCode


class CallbackQuery(Shape):
    """What the provider sends a browser back with: a code, or an error (RFC 6749 4.1.2)."""

    state: OneTimeCode
    code: OneTimeCode | None = None
    scope: str | None = None
    error: str | None = None
    error_description: str | None = field(default=None, name="error_description")


class ConnectionView(Shape):
    """A platform's account at the provider. Without `charges` it cannot take money yet."""

    mode: Mode
    account_id: str
    status: Literal["active", "onboarding", "deauthorized"]
    charges: bool
    changed_at: datetime


class ConnectionList(Shape):
    """A platform's accounts, at most one for each mode."""

    connections: list[ConnectionView]


class OnboardingRequest(Shape):
    """Where the provider sends the developer when they are done, and when the link was used up."""

    return_url: WebUrl
    refresh_url: WebUrl


class OnboardingAnswer(Shape):
    """The provider's page where the developer completes the account; it works once."""

    account_id: str
    url: str
    expires_at: datetime
