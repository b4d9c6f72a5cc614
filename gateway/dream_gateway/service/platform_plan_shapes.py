"""What the routes about the platform's own plan take and give."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations

from dream_gateway.service.values import Shape, WebUrl


class PlanView(Shape):
    """What the platform pays the operator for its plan.

    `status` is the payment provider's word, `null` before the first payment. While it is not `paid`,
    the platform is served until `graceUntil`; once it is `unpaid`, its keys are refused.
    """

    required: bool
    paid: bool
    unpaid: bool
    status: str | None
    current_period_end: datetime | None
    cancel_at: datetime | None
    grace_until: datetime | None


class PlanRequest(Shape):
    """Where to come back to, at the dashboard or the `frontend_url`, which is also the default."""

    success_url: WebUrl | None = None
    cancel_url: WebUrl | None = None


class PlanAnswer(Shape):
    """The page on which the plan is paid."""

    url: str
    session_id: str


class PlanPortalRequest(Shape):
    """Where to come back to: likewise."""

    return_url: WebUrl | None = None


class PlanPortalAnswer(Shape):
    """The page on which the platform sees and changes what it pays."""

    url: str
