"""The one table of pages, but for those of the entrance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.customer import OneCustomerPages
from dream_gateway.dashboard.customer_keys import CustomerKeyPages
from dream_gateway.dashboard.customers import CustomerPages
from dream_gateway.dashboard.operator import OperatorPages
from dream_gateway.dashboard.overview import OverviewPages
from dream_gateway.dashboard.projects import ProjectPages
from dream_gateway.dashboard.start import StartPages

if TYPE_CHECKING:
    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.page import Page


def every_page(desk: Desk) -> tuple[Page, ...]:
    """Return every page, bound to a desk."""
    return (
        *CustomerKeyPages(desk).pages(),
        *CustomerPages(desk).pages(),
        *OneCustomerPages(desk).pages(),
        *OperatorPages(desk).pages(),
        *OverviewPages(desk).pages(),
        *ProjectPages(desk).pages(),
        *StartPages(desk).pages(),
    )
