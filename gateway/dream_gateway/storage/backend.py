"""An opened store, and what it can be asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.storage.feed import ChangeFeed
    from dream_gateway.storage.kv import KeyValue
    from dream_gateway.storage.ledger import Ledger


class Role(StrEnum):
    """What a backend can be asked for."""

    RECORDS = "records"
    LEDGER = "ledger"
    KV = "kv"
    FEED = "feed"


class Backend(Protocol):
    """An opened store: the roles it offers and one object for each.

    Asking for a role that `roles` does not have raises `ConfigurationError`.
    """

    roles: frozenset[Role]
    durability: str
    """A sentence for people: what a crash of the process, and of the machine, can lose."""

    shareable: bool
    """Whether several processes may open it at once."""

    persistent: bool
    """Whether what was answered survives the end of the process that asked, `kill -9` included."""

    async def start(self) -> None:
        """Open what needs opening, creating the backend's own tables, safe with many starting."""
        ...

    async def close(self) -> None:
        """Finish what is under way and release everything. Safe to call twice."""
        ...

    def records_engine(self) -> AsyncEngine:
        """Return the SQLAlchemy engine of the records; the backend disposes of it."""
        ...

    def ledger(self) -> Ledger:
        """Return the ledger."""
        ...

    def kv(self) -> KeyValue:
        """Return the shared cache."""
        ...

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        ...

    def journal_dir(self) -> str | None:
        """Return where this store's lease journals belong on this machine; `None`: no opinion."""
        ...
