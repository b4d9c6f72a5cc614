"""Opens an LMDB file as a store that has the role of the ledger."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dream_gateway.errors import ConfigurationError, SchemaTooNewError
from dream_gateway.storage import Role
from dream_gateway_lmdb import keys
from dream_gateway_lmdb.address import parse_address
from dream_gateway_lmdb.ledger import LmdbLedger
from dream_gateway_lmdb.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger
    from dream_gateway_lmdb.address import Address
    from dream_gateway_lmdb.session import Session

LAYOUT = 1
"""The version of what is in the file; one that is greater is another release's."""

IDENTITY_BYTES = 16


def open_backend(url: str, clock: Clock) -> Backend:
    """Return a backend for `lmdb:///file.mdb` or `lmdb:////absolute/file.mdb`; opens nothing yet."""
    return LmdbBackend(parse_address(url), clock)


class LmdbBackend:
    """One file, shared by the processes of one machine."""

    roles = frozenset({Role.LEDGER})
    durability = "Neither a crash of the process nor a power loss loses anything that was answered."
    shareable = True
    persistent = True

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._writer = Writer(address, clock)
        self._ledger = LmdbLedger(self._writer)

    async def start(self) -> None:
        """Open the file, and name the ledger if it is new; the file's folder must exist."""
        await self._writer.start(_found)

    async def close(self) -> None:
        """Finish what is under way, and let go of the file."""
        await self._writer.close()

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self._ledger

    def records_engine(self) -> AsyncEngine:
        """Raise: LMDB is no SQL database."""
        raise ConfigurationError("The LMDB store cannot hold the records.")

    def kv(self) -> KeyValue:
        """Raise: nothing in the file expires."""
        raise ConfigurationError("The LMDB store offers no shared cache.")

    def feed(self) -> ChangeFeed:
        """Raise: LMDB wakes nobody."""
        raise ConfigurationError("The LMDB store offers no change feed.")

    def journal_dir(self) -> str | None:
        """Return the folder beside the file."""
        return f"{self._address.path}.journal"


def _found(session: Session) -> None:
    """Name a new ledger; of many that start at once, one does."""
    found = session.read(keys.IDENTITY)
    if found is None:
        name = secrets.token_hex(IDENTITY_BYTES)
        session.write(keys.IDENTITY, {"name": name, "layout": LAYOUT})
    elif found["layout"] > LAYOUT:
        raise SchemaTooNewError("The ledger belongs to a newer version of dream-gateway-lmdb.")
