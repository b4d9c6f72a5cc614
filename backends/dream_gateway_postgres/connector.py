"""Opens connections, in bounded time and with the driver's errors translated."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg

from dream_gateway_postgres import faults

if TYPE_CHECKING:
    from dream_gateway_postgres.address import Address

COMMAND_SECONDS = 5.0
"""How long a statement may take before the store counts as away."""

TRY_THE_NEXT = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.exceptions.TargetServerAttributeNotMatched,
)
"""What makes the next host worth a try: this one is away, or not the kind that was asked for."""


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection whose every message may reach another server, unless a transaction holds it."""

    async def set_type_codec(self, *arguments: Any, **options: Any) -> None:
        """Ask the server for a type, with messages that reach the same one."""
        async with self.transaction():
            await super().set_type_codec(*arguments, **options)


class Connector:
    """Opens connections to one address. Safe to share between tasks."""

    def __init__(self, address: Address) -> None:
        self.address = address

    async def connect(self) -> asyncpg.Connection:
        """Open a connection to the first host that will do; they share the time there is.

        Raises the driver's errors, and `TimeoutError`.
        """
        *others, last = self.address.dsns
        for dsn in others:
            try:
                return await self._connect(dsn)
            except TRY_THE_NEXT:
                continue
        return await self._connect(last)

    async def _connect(self, dsn: str) -> asyncpg.Connection:
        address = self.address
        seconds = address.connect_timeout / len(address.dsns)
        settings = {"application_name": "dream-gateway"}
        if address.pooled or "application_name=" in dsn:
            settings = {}
        async with asyncio.timeout(seconds):
            return await asyncpg.connect(
                dsn,
                timeout=seconds,
                command_timeout=COMMAND_SECONDS,
                # A pooler between transactions may hand us to a server that never saw a statement.
                statement_cache_size=0 if address.pooled else 100,
                connection_class=PooledConnection if address.pooled else asyncpg.Connection,
                server_settings=settings or None,
            )

    async def connect_at_start(self) -> asyncpg.Connection:
        """Open a connection. Raises `ConfigurationError` and `StoreUnavailableError`."""
        try:
            return await self.connect()
        except (*faults.FAILURES, ValueError) as error:
            raise faults.translate(error, starting=True) from error
