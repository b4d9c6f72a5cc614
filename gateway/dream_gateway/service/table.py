"""The one table of operations: what is routed, and what is documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.service.billing import BillingRoutes
from dream_gateway.service.catalogues import CatalogueRoutes
from dream_gateway.service.connections import ConnectionRoutes
from dream_gateway.service.credentials import CredentialRoutes
from dream_gateway.service.customers import CustomerRoutes
from dream_gateway.service.dashboards import DashboardRoutes
from dream_gateway.service.events import EventRoutes
from dream_gateway.service.keys import KeyRoutes
from dream_gateway.service.members import MemberRoutes
from dream_gateway.service.openapi import openapi
from dream_gateway.service.operator import OperatorRoutes
from dream_gateway.service.orders import OrderRoutes
from dream_gateway.service.payment_events import PaymentEventRoutes
from dream_gateway.service.payment_webhooks import PaymentWebhookRoutes
from dream_gateway.service.platform import PlatformRoutes
from dream_gateway.service.platform_plan import PlatformPlanRoutes
from dream_gateway.service.products import ProductRoutes
from dream_gateway.service.projects import ProjectRoutes
from dream_gateway.service.sign_in import SignInRoutes
from dream_gateway.service.status import StatusRoutes
from dream_gateway.service.tiers import TierRoutes
from dream_gateway.service.usage import UsageRoutes
from dream_gateway.service.webhook_endpoints import WebhookEndpointRoutes
from dream_gateway.service.webhook_messages import WebhookMessageRoutes
from dream_gateway.service.webhooks import WebhookRoutes

if TYPE_CHECKING:
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.service.host import Host
    from dream_gateway.service.operation import Operation


def operations(gateway: Host, limits: RateLimitHeaders) -> tuple[Operation, ...]:
    """Return every operation of the service, bound to a gateway."""
    table: list[Operation] = [
        *UsageRoutes(gateway.admission, limits).operations(),
        *EventRoutes(gateway.admission).operations(),
        *CustomerRoutes(gateway.directory, gateway.plugins.user_administrations()).operations(),
        *WebhookRoutes(gateway.directory, gateway.plugins.user_webhooks()).operations(),
        *KeyRoutes(gateway.directory, gateway.clock).operations(),
        *TierRoutes(gateway.directory).operations(),
        *ProductRoutes(gateway.directory).operations(),
        *BillingRoutes(gateway.admission, gateway.billing).operations(),
        *PaymentWebhookRoutes(gateway.billing).operations(),
        *PaymentEventRoutes(gateway.directory, gateway.billing).operations(),
        *OrderRoutes(gateway.directory, gateway.admission, gateway.billing).operations(),
        *CatalogueRoutes(gateway.directory, gateway.billing).operations(),
        *ConnectionRoutes(
            gateway.directory, gateway.clock, gateway.billing, gateway.settings
        ).operations(),
        *WebhookEndpointRoutes(gateway).operations(),
        *WebhookMessageRoutes(gateway.directory).operations(),
        *PlatformRoutes(gateway.directory).operations(),
        *PlatformPlanRoutes(gateway.billing, gateway.settings).operations(),
        *MemberRoutes(gateway.directory).operations(),
        *ProjectRoutes(gateway.directory, gateway.settings).operations(),
        *CredentialRoutes(gateway.directory).operations(),
        *OperatorRoutes(gateway.directory).operations(),
        *DashboardRoutes(
            gateway.directory, gateway.admission, gateway.clock, gateway.health
        ).operations(),
        *SignInRoutes(gateway.exchanges).operations(),
    ]
    table += StatusRoutes(gateway.health, lambda: openapi(table)).operations()
    return tuple(table)
