"""`/platform/subscription`, `/platform/billing-portal`: what a platform pays the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
)
from dream_gateway.model import Role
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import READ
from dream_gateway.service.fields import PLATFORM_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.platform_plan_shapes import (
    PlanAnswer,
    PlanPortalAnswer,
    PlanPortalRequest,
    PlanRequest,
    PlanView,
)
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import optional_instant
from dream_gateway.service.web_origins import own_url

if TYPE_CHECKING:
    from dream_gateway.billing.engine import Engine
    from dream_gateway.billing.platform_plan import PlatformPlans
    from dream_gateway.service.call import Call
    from dream_gateway.settings import Settings

PATH = "/platform/subscription"
PORTAL = "/platform/billing-portal"
FAILURES = (*READ, ConflictError, BillingNotConfiguredError, BillingUnavailableError)


class PlatformPlanRoutes:
    """Sends a platform's owner to pay. One that is refused for not paying may come here."""

    def __init__(self, billing: Engine | None, settings: Settings) -> None:
        self._billing = billing
        self._dashboard = f"{settings.service_base}/dashboard"

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "Show what the platform pays for its own plan",
                self.show,
                PlanView,
                auth=DEVELOPERS,
                fields=(PLATFORM_ID,),
                errors=FAILURES,
            ),
            Operation(
                "POST",
                PATH,
                "Begin to pay for the platform's own plan",
                self.begin,
                PlanAnswer,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=PlanRequest,
                body_optional=True,
                fields=(PLATFORM_ID,),
                of_unpaid=True,
                errors=FAILURES,
            ),
            Operation(
                "POST",
                PORTAL,
                "Open the page where the platform's own plan is changed",
                self.portal,
                PlanPortalAnswer,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=PlanPortalRequest,
                body_optional=True,
                fields=(PLATFORM_ID,),
                of_unpaid=True,
                errors=FAILURES,
            ),
        )

    async def show(self, call: Call) -> Answer:
        """Show what the platform pays."""
        plans, platform = self._plans(), call.known.business
        plan = await plans.plan(platform)
        return Answer(
            PlanView(
                required=plans.is_sold,
                paid=plans.is_paid(plan),
                unpaid=platform.unpaid,
                status=None if plan.status is None else plan.status.value,
                current_period_end=optional_instant(plan.period_end),
                cancel_at=optional_instant(plan.cancel_at),
                grace_until=optional_instant(plan.grace_until),
            )
        )

    async def begin(self, call: Call) -> Answer:
        """Open the page where the plan is paid."""
        asked: PlanRequest = call.body or PlanRequest()
        plans, known = self._plans(), call.known
        success_url = own_url(self._pages(plans), asked.success_url, "/successUrl")
        cancel_url = own_url(self._pages(plans), asked.cancel_url, "/cancelUrl")
        email = None if known.developer is None else known.developer.email
        session = await plans.begin(known.business, email, success_url, cancel_url)
        return Answer(PlanAnswer(url=session.url, session_id=session.id))

    async def portal(self, call: Call) -> Answer:
        """Open the page where the plan is changed."""
        asked: PlanPortalRequest = call.body or PlanPortalRequest()
        plans = self._plans()
        back = own_url(self._pages(plans), asked.return_url, "/returnUrl")
        return Answer(PlanPortalAnswer(url=await plans.portal(call.known.business, back)))

    def _pages(self, plans: PlatformPlans) -> list[str]:
        """Return the pages that developers come from, the one first that they come back to."""
        return [page for page in (plans.frontend_url, self._dashboard) if page]

    def _plans(self) -> PlatformPlans:
        if self._billing is None:
            raise BillingNotConfiguredError
        return self._billing.platform_plans
