"""Which store holds what: the backends that the settings name, each for its roles.

`store` is for every role that its backend offers; `records`, `ledger`, `kv` and `feed` name another
store for one role each. The changes of the records are told by the store that holds them, if it can.
If `store` is not set, a store named for the records is for the rest as well.
A store that is named twice is opened once, and one that is left without a role is not opened.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway.configuration import state_dir
from dream_gateway.errors import ConfigurationError
from dream_gateway.plugins import BACKENDS, extra, installed, open_backend
from dream_gateway.settings import Settings
from dream_gateway.settings_table import without_password
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger

NEEDED = (Role.RECORDS, Role.LEDGER, Role.FEED)
"""The roles a gateway cannot do without."""


class Stores:
    """The stores of one gateway. What a backend raises, these raise.

    Raises `ConfigurationError` for a URL that is wrong, and where a needed role is nobody's.
    """

    def __init__(
        self, settings: Settings, clock: Clock, roles: Collection[Role] = tuple(Role)
    ) -> None:
        """Choose a store for each of `roles`; opens none of them yet."""
        self._settings = settings
        self._clock = clock
        self._opened: dict[str, Backend] = {}
        self._urls: dict[Role, str] = {}
        for role in sorted(roles, key=list(Role).index):
            self._choose(role)
        self._backends = {url: self._opened[url] for url in dict.fromkeys(self._urls.values())}

    @property
    def shareable(self) -> bool:
        """Whether several processes may use all of them at once."""
        return all(backend.shareable for backend in self._backends.values())

    def each(self) -> list[tuple[str, list[Role], Backend]]:
        """Return every store: its URL fit to be shown, its roles, and itself."""
        return [
            (without_password(url), [role for role, at in self._urls.items() if at == url], backend)
            for url, backend in self._backends.items()
        ]

    async def start(self) -> None:
        """Open every store."""
        for backend in self._backends.values():
            await backend.start()

    async def close(self) -> None:
        """Release every store. Safe to call twice."""
        for backend in reversed(self._backends.values()):
            await backend.close()

    def of(self, role: Role) -> Backend:
        """Return the backend that has a role."""
        return self._backends[self._urls[role]]

    def records_engine(self) -> AsyncEngine:
        """Return the engine of the records."""
        return self.of(Role.RECORDS).records_engine()

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self.of(Role.LEDGER).ledger()

    def journal_dir(self) -> Path:
        """Return the folder of lease journals: as set, else beside the ledger, else the user's own."""
        chosen = self._settings.journal_dir or self.of(Role.LEDGER).journal_dir()
        return Path(chosen) if chosen else state_dir(os.environ) / "journals"

    def kv(self) -> KeyValue | None:
        """Return the cache that nodes share, if there is one."""
        return self.of(Role.KV).kv() if Role.KV in self._urls else None

    def feed(self) -> ChangeFeed:
        """Return the feed to publish changes on."""
        return self.of(Role.FEED).feed()

    def feeds(self) -> tuple[ChangeFeed, ...]:
        """Return the feeds to follow.

        Where another store tells the changes of the records, their own is followed too: what was
        committed by somebody who died before it was published is heard from there.
        """
        own, chosen = self.of(Role.RECORDS), self.of(Role.FEED)
        if own is chosen or Role.FEED not in own.roles:
            return (chosen.feed(),)
        return (chosen.feed(), own.feed())

    def _choose(self, role: Role) -> None:
        named = str(getattr(self._settings, role.value))
        if named:
            if role not in self._open(named).roles:
                raise ConfigurationError(self._cannot(role, named))
            self._urls[role] = named
            return
        for url in self._candidates(role):
            if role in self._open(url).roles:
                self._urls[role] = url
                return
        if role in NEEDED:
            raise ConfigurationError(self._cannot(role, self._candidates(role)[-1]))

    def _candidates(self, role: Role) -> list[str]:
        """Return where a role may be that no setting names.

        The default store steps back where the records are named: nobody means to have their
        records on a server, and their counters in a file of each machine.
        """
        settings = self._settings
        general = settings.store
        if general == Settings().store and settings.records:
            general = settings.records
        if role is Role.FEED and Role.RECORDS in self._urls:
            return [self._urls[Role.RECORDS], general]
        if role is Role.KV and general not in self._urls.values():
            return []  # Nobody needs that store otherwise.
        return [general]

    def _open(self, url: str) -> Backend:
        if url not in self._opened:
            self._opened[url] = open_backend(url, self._clock)
        return self._opened[url]

    def _cannot(self, role: Role, url: str) -> str:
        offered = ", ".join(sorted(self._open(url).roles)) or "nothing"
        known = ", ".join(_described(scheme) for scheme in installed(BACKENDS))
        return (
            f"The store {without_password(url)} cannot hold the {role}: it offers {offered}. Set "
            f"{role} to the URL of a store that can; there are: {known}."
        )


def _described(scheme: str) -> str:
    wanted = extra(BACKENDS, scheme)
    return f"{scheme} (pip install '{wanted}')" if wanted else scheme
