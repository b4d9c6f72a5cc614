"""The one table of pages, but for those of the entrance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.overview import OverviewPages
from dream_gateway.dashboard.projects import ProjectPages
from dream_gateway.dashboard.start import StartPages

if TYPE_CHECKING:
    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.page import Page


def every_page(desk: Desk) -> tuple[Page, ...]:
    """Return every page, bound to a desk."""
    return (
        *OverviewPages(desk).pages(),
        *ProjectPages(desk).pages(),
        *StartPages(desk).pages(),
    )
