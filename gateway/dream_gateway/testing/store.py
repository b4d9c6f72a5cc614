"""Fixtures that open a backend as the gateway does: by the scheme of a URL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.plugins import open_backend
from dream_gateway.storage import Role
from dream_gateway.testing.asynchronous import AsyncTests, async_fixture
from dream_gateway.testing.clock import FakeClock
from dream_gateway.testing.ledger_races import Shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, KeyValue
    from dream_gateway.testing.ledger_base import OpenLedger

    NewUrl = Callable[[], str]


class StoreFixtures(AsyncTests):
    """What each part of the suite starts from. Override `new_url`."""

    @pytest.fixture
    def new_url(self) -> NewUrl:
        """Return what returns the URL of a new, empty store each time it is called."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock that stores are opened with."""
        return FakeClock()

    @pytest.fixture
    def unopened(self, new_url: NewUrl) -> Backend:
        """Return a backend that is not started, to be asked what it can do."""
        return open_backend(new_url(), SystemClock())

    @pytest.fixture
    def open_ledger(self, new_url: NewUrl, unopened: Backend) -> OpenLedger:
        """Return what opens a ledger on a new, empty store each time it is called."""
        need(unopened, Role.LEDGER)

        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[object]:
            async with opened(new_url(), clock) as backend:
                yield backend.ledger()

        return open_one  # type: ignore[return-value]  # a ledger is what it yields

    @pytest.fixture
    def shared(self, new_url: NewUrl, unopened: Backend) -> Shared | None:
        """Return how others open one new, empty store; `None` if nobody else can."""
        need(unopened, Role.LEDGER)
        if not unopened.shareable:
            return None
        return Shared("dream_gateway.plugins:open_backend", new_url())

    @async_fixture
    async def kv(
        self, new_url: NewUrl, unopened: Backend, clock: FakeClock
    ) -> AsyncIterator[KeyValue]:
        """Yield an empty cache."""
        need(unopened, Role.KV)
        async with opened(new_url(), clock) as backend:
            yield backend.kv()


def need(backend: Backend, role: Role) -> None:
    """Skip a test of a role that the backend does not offer."""
    if role not in backend.roles:
        pytest.skip(f"this backend offers no {role}")


def opened(url: str, clock: Clock) -> AbstractAsyncContextManager[Backend]:
    """Open a backend by its URL, and close it in the end."""
    return _open(url, clock)


@asynccontextmanager
async def _open(url: str, clock: Clock) -> AsyncIterator[Backend]:
    backend = open_backend(url, clock)
    try:
        await backend.start()
        yield backend
    finally:
        await backend.close()
