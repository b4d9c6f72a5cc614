"""The payment provider, and the stores beside it, as commands about money work with them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_stores
from dream_gateway.errors import BillingNotConfiguredError
from dream_gateway.plugins import Plugins
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Ledger

ROLES = (Role.RECORDS, Role.FEED, Role.LEDGER)


@asynccontextmanager
async def open_till(settings: Settings) -> AsyncIterator[tuple[Billing, Records, Ledger]]:
    """Open the stores and the payment provider. Raises `BillingNotConfiguredError` without one."""
    plugins = Plugins(settings.plugins)
    billings = plugins.billings()
    if not billings:
        raise BillingNotConfiguredError
    try:
        async with open_stores(settings, SystemClock(), ROLES, create=False) as (records, stores):
            yield billings[0], records, stores.ledger()
    finally:
        await plugins.aclose()
