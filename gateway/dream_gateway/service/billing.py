"""`POST /api/create-checkout`, `POST /api/customer-portal`: where customers pay, by a billing plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
)
from dream_gateway.service.authentication import Auth
from dream_gateway.service.billing_shapes import (
    CheckoutAnswer,
    CheckoutRequest,
    PortalAnswer,
    PortalRequest,
)
from dream_gateway.service.failures import READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, USER_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.web_origins import allowed_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.admission import Admission
    from dream_gateway.model import Project, Tier
    from dream_gateway.payments import Billing
    from dream_gateway.service.call import Call
    from dream_gateway.service.reply import Answer

PAYERS = frozenset({Auth.SECRET, Auth.USER})
FAILURES = (
    *READ,
    ConflictError,
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
)


class BillingRoutes:
    """Sends a customer to the payment provider. No transaction is open while that is asked."""

    def __init__(self, admission: Admission, billings: Sequence[Billing]) -> None:
        self._admission = admission
        self._billings = billings

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/api/create-checkout",
                "Begin a subscription to a tier; the price is the tier's",
                self.checkout,
                CheckoutAnswer,
                auth=PAYERS,
                request=CheckoutRequest,
                fields=(USER_ID, IDEMPOTENCY_KEY),
                errors=FAILURES,
            ),
            Operation(
                "POST",
                "/api/customer-portal",
                "Open the page where a customer changes what they pay for",
                self.portal,
                PortalAnswer,
                auth=PAYERS,
                request=PortalRequest,
                body_optional=True,
                fields=(USER_ID,),
                errors=FAILURES,
            ),
        )

    async def checkout(self, call: Call) -> Answer:
        """Begin a subscription."""
        asked: CheckoutRequest = call.body
        project = call.known.project
        self._billing()
        await self._tier(project, asked.tier)
        allowed_url(project, asked.success_url, "/successUrl")
        allowed_url(project, asked.cancel_url, "/cancelUrl")
        raise BillingAccountError

    async def portal(self, call: Call) -> Answer:
        """Open the provider's page for a customer."""
        asked: PortalRequest | None = call.body
        self._billing()
        allowed_url(call.known.project, None if asked is None else asked.return_url, "/returnUrl")
        raise BillingAccountError

    def _billing(self) -> Billing:
        if not self._billings:
            raise BillingNotConfiguredError
        return self._billings[0]

    async def _tier(self, project: Project, name: str) -> Tier:
        tier = await self._admission.tier(project, name)
        if tier is None:
            raise invalid([Fault("/tier", "The project has no tier of this name.")])
        if tier.price == 0:
            raise invalid([Fault("/tier", "This tier costs nothing.")])
        return tier
