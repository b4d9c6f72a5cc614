"""The one table of pages, but for those of the entrance."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from dream_gateway.dashboard.appearance import AppearancePages
from dream_gateway.dashboard.audit import AuditPages
from dream_gateway.dashboard.customer import OneCustomerPages
from dream_gateway.dashboard.customer_keys import CustomerKeyPages
from dream_gateway.dashboard.customers import CustomerPages
from dream_gateway.dashboard.keys import KeyPages
from dream_gateway.dashboard.operator import OperatorPages
from dream_gateway.dashboard.orders import OrderPages
from dream_gateway.dashboard.overview import OverviewPages
from dream_gateway.dashboard.payments import PaymentPages
from dream_gateway.dashboard.plan import PlanPages
from dream_gateway.dashboard.products import ProductPages
from dream_gateway.dashboard.projects import ProjectPages
from dream_gateway.dashboard.start import StartPages
from dream_gateway.dashboard.team import TeamPages
from dream_gateway.dashboard.tiers import TierPages
from dream_gateway.dashboard.webhooks import WebhookPages

if TYPE_CHECKING:
    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.page import Page

MODULES = (
    WebhookPages,
    TeamPages,
    PlanPages,
    PaymentPages,
    AuditPages,
    AppearancePages,
    CustomerKeyPages,
    CustomerPages,
    KeyPages,
    OneCustomerPages,
    OperatorPages,
    OrderPages,
    OverviewPages,
    ProductPages,
    ProjectPages,
    StartPages,
    TierPages,
)


def every_page(desk: Desk) -> tuple[Page, ...]:
    """Return every page, bound to a desk."""
    return tuple(chain.from_iterable(module(desk).pages() for module in MODULES))
