"""Opens a Valkey server or cluster as a store."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.storage import Role
from dream_gateway_valkey import faults, library, servers
from dream_gateway_valkey.address import parse
from dream_gateway_valkey.calls import MICROSECONDS, Keys
from dream_gateway_valkey.driver import BrokenError, RefusedError
from dream_gateway_valkey.feed import ValkeyFeed
from dream_gateway_valkey.kv import ValkeyKeyValue
from dream_gateway_valkey.ledger import ValkeyLedger
from dream_gateway_valkey.router import Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger
    from dream_gateway_valkey.address import Address, Node
    from dream_gateway_valkey.servers import Manner


KV_SECONDS = 0.5
"""What a call of the shared cache may take."""


def open_backend(url: str, clock: Clock) -> Backend:
    """Return a backend for a Valkey URL; see `docs/backends/valkey.md`. Opens nothing yet."""
    return ValkeyBackend(parse(url), clock)


class ValkeyBackend:
    """One server or a cluster, shared by any number of processes and machines."""

    roles = frozenset({Role.LEDGER, Role.KV, Role.FEED})
    shareable = True
    persistent = True

    def __init__(self, address: Address, clock: Clock) -> None:
        self.durability = servers.LOSSES[servers.UNKNOWN] + "."
        self._address = address
        self._clock = clock
        self._manners: Sequence[Manner] = ()
        self._warned = False
        functions = library.load()
        self._router = Router(address, functions)
        keys = Keys(address.prefix)
        self._ledger = ValkeyLedger(self._router, functions, keys, self._now_us, self._check)
        # Its own connections, and less patience: what waits for a cache had better do without.
        self._cache = Router(
            replace(address, timeout=min(address.timeout, KV_SECONDS), wait=0), functions
        )
        self._kv = ValkeyKeyValue(self._cache, address.prefix)
        self._feed = ValkeyFeed(self._router, address)

    async def start(self) -> None:
        """Connect, and ask the servers how they keep data.

        Raises `ConfigurationError` for what an operator must mend, else `StoreUnavailableError`.
        """
        self._check_ca()
        await self._reach()
        # Replicas too: each of them may have to take its primary's place.
        self._manners = await asyncio.gather(
            *(self._examine(node) for node in await self._router.servers())
        )
        self.durability = servers.durability(
            self._manners, self._address.wait, cluster=self._address.cluster
        )

    async def close(self) -> None:
        """End the followers and let go of every connection."""
        self._feed.close()
        await self._cache.close()
        await self._router.close()

    def records_engine(self) -> AsyncEngine:
        """Raise: the records need an SQL database."""
        raise ConfigurationError("A Valkey store cannot hold the records.")

    def ledger(self) -> Ledger:
        """Return the ledger; what it may lose is logged the first time.

        Raises `ConfigurationError` if a server may evict counters.
        """
        self._check()
        if not self._warned:
            self._warned = True
            servers.warn(self._manners)
        return self._ledger

    def kv(self) -> KeyValue:
        """Return the shared cache."""
        return self._kv

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        return self._feed

    def journal_dir(self) -> str | None:
        """Return `None`: this machine's default, for the servers may be elsewhere."""
        return None

    async def _reach(self) -> None:
        """See that one of the servers named in the URL will have us."""
        failure: tuple[BrokenError | RefusedError, str] | None = None
        for node in self._address.nodes:
            try:
                await self._router.ask(
                    node, *(("CLUSTER", "SLOTS") if self._address.cluster else ("PING",))
                )
            except (BrokenError, RefusedError) as error:
                if failure is None or isinstance(error, RefusedError):
                    failure = error, str(node)
            else:
                return
        if failure is not None:
            raise faults.starting(*failure) from failure[0]

    async def _examine(self, node: Node) -> Manner:
        try:
            return await servers.examine(self._router, node)
        except BrokenError as error:
            if self._address.cluster:
                return servers.SILENT  # the others serve their parts
            raise faults.unavailable(error) from error

    def _check_ca(self) -> None:
        try:
            ssl.create_default_context(cafile=self._address.ca or None)
        except OSError as error:
            raise ConfigurationError(
                "The file that the option ca of the Valkey URL names has no certificates to read."
            ) from error

    def _check(self) -> None:
        if servers.evicts(self._manners):
            raise ConfigurationError(
                "The Valkey server throws keys away when its memory is full, and a ledger must not "
                "forget: set maxmemory-policy noeviction."
            )

    def _now_us(self) -> str:
        """Return the time for functions; empty is the server's own, which an injected clock is not."""
        if isinstance(self._clock, SystemClock):
            return ""
        return str(int(self._clock.monotonic() * MICROSECONDS))
