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
from dream_gateway.service.fields import USER_ID, user_of
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import optional_instant
from dream_gateway.service.web_origins import allowed_url

if TYPE_CHECKING:
    from dream_gateway.admission import Admission
    from dream_gateway.billing.checkouts import Checkouts
    from dream_gateway.billing.engine import Engine
    from dream_gateway.model import Customer, Project, Tier
    from dream_gateway.service.call import Call

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

    def __init__(self, admission: Admission, billing: Engine | None) -> None:
        self._admission = admission
        self._billing = billing

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
                fields=(USER_ID,),
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
        """Let a customer pay for a tier, or change what they pay for."""
        asked: CheckoutRequest = call.body
        project, checkouts = call.known.project, self._checkouts()
        begun = await checkouts.begin(
            project=project,
            tier=await self._tier(project, asked.tier),
            success_url=allowed_url(project, asked.success_url, "/successUrl"),
            cancel_url=allowed_url(project, asked.cancel_url, "/cancelUrl"),
            customer=await self._customer(call),
        )
        return Answer(
            CheckoutAnswer(
                url=begun.url,
                session_id=begun.session_id,
                change=begun.change.value,
                effective_at=optional_instant(begun.at),
            )
        )

    async def portal(self, call: Call) -> Answer:
        """Open the provider's page for a customer."""
        asked: PortalRequest | None = call.body
        project, checkouts = call.known.project, self._checkouts()
        back = allowed_url(project, None if asked is None else asked.return_url, "/returnUrl")
        url = await checkouts.portal(project, await self._customer(call), back)
        return Answer(PortalAnswer(url=url))

    def _checkouts(self) -> Checkouts:
        if self._billing is None:
            raise BillingNotConfiguredError
        return self._billing.checkouts

    async def _customer(self, call: Call) -> Customer:
        return await self._admission.users.customer(call.known.project, user_of(call))

    async def _tier(self, project: Project, name: str) -> Tier:
        tier = await self._admission.users.tier(project, name)
        if tier is None:
            raise invalid([Fault("/tier", "The project has no tier of this name.")])
        if tier.price == 0:
            raise invalid([Fault("/tier", "This tier costs nothing.")])
        return tier
