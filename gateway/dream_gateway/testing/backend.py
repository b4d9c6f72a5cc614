"""The whole suite of a backend, by the URLs of new stores and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.plugins import open_backend
from dream_gateway.records.database import Records
from dream_gateway.records.migrate import migrate
from dream_gateway.storage import Role
from dream_gateway.testing.asynchronous import async_fixture
from dream_gateway.testing.durability import DurabilityContract
from dream_gateway.testing.faults import FaultContract
from dream_gateway.testing.feed import FeedContract
from dream_gateway.testing.kv import KeyValueContract
from dream_gateway.testing.ledger import LedgerContract
from dream_gateway.testing.records import RecordsContract
from dream_gateway.testing.store import need, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from dream_gateway.storage import Backend, Change, ChangeFeed
    from dream_gateway.testing.store import NewUrl


# The parts that open stores by URL come first: their fixtures stand for those of the others.
class BackendContract(
    RecordsContract,
    DurabilityContract,
    FaultContract,
    LedgerContract,
    KeyValueContract,
    FeedContract,
):
    """Override `new_url`; and `wire` and `wired_url`, if there is a network in between.

    Parts about roles that the backend does not offer are skipped, and so is what its flags exclude.
    """

    @pytest.fixture
    def feed_url(self, new_url: NewUrl, unopened: Backend) -> str:
        """Return the URL of a new, empty store whose feed is followed."""
        need(unopened, Role.FEED)
        return new_url()

    @async_fixture
    async def feed(self, feed_url: str) -> AsyncIterator[ChangeFeed]:
        """Yield an open feed; over records, if the backend has them."""
        async with opened(feed_url, SystemClock()) as backend:
            if Role.RECORDS in backend.roles:
                await migrate(backend.records_engine())
            yield backend.feed()

    @async_fixture
    async def change(
        self, feed_url: str, feed: ChangeFeed, unopened: Backend
    ) -> AsyncIterator[Callable[[Sequence[Change]], Awaitable[None]]]:
        """Yield what makes changes; elsewhere and to the records, where the backend has them."""
        if Role.RECORDS not in unopened.roles:
            yield feed.publish
            return
        if unopened.shareable:
            async with opened(feed_url, SystemClock()) as other:
                yield _writing(other)
        else:
            yield feed.publish

    async def test_it_is_what_it_says(self, unopened: Backend) -> None:
        """Roles, flags and sentence; a role it has not is a configuration error."""
        assert unopened.roles
        assert unopened.durability.endswith(".")
        for role, ask in _asks(unopened).items():
            if role not in unopened.roles:
                with pytest.raises(ConfigurationError):
                    ask()

    async def test_it_closes_twice_and_without_a_start(self, new_url: NewUrl) -> None:
        """Whatever state it is in."""
        async with opened(new_url(), SystemClock()) as backend:
            await backend.close()
        await open_backend(new_url(), SystemClock()).close()


def _asks(backend: Backend) -> dict[Role, Callable[[], object]]:
    return {
        Role.RECORDS: backend.records_engine,
        Role.LEDGER: backend.ledger,
        Role.KV: backend.kv,
        Role.FEED: backend.feed,
    }


def _writing(backend: Backend) -> Callable[[Sequence[Change]], Awaitable[None]]:
    records = Records(backend.records_engine(), SystemClock(), backend.feed())

    async def write(changes: Sequence[Change]) -> None:
        async with records.write("somebody") as writer:
            for change in changes:
                await writer.changed(change.subject, change.ref, "test")

    return write
