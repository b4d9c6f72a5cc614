"""What the service needs of a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.admission import Admission
    from dream_gateway.billing.engine import Engine
    from dream_gateway.clock import Clock
    from dream_gateway.hookspecs import CodeExchange, Site
    from dream_gateway.plugins import Plugins
    from dream_gateway.service.directory import Directory
    from dream_gateway.settings import Settings


class Host(Protocol):
    """A gateway that is started."""

    @property
    def admission(self) -> Admission:
        """Who may pass."""
        ...

    @property
    def directory(self) -> Directory:
        """The records, as the control plane uses them."""
        ...

    @property
    def plugins(self) -> Plugins:
        """What is plugged in."""
        ...

    @property
    def sites(self) -> Sequence[Site]:
        """What is served beside the operations, opened."""
        ...

    @property
    def exchanges(self) -> Sequence[CodeExchange]:
        """Who takes one-time codes; the first one does."""
        ...

    @property
    def billing(self) -> Engine | None:
        """What deals with money, if a plugin takes any."""
        ...

    @property
    def settings(self) -> Settings:
        """How it is set up."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    async def health(self) -> Mapping[str, str | None]:
        """Tell of each part (store, schema, feed) what is wrong with it; `None`: nothing.

        The text is public. Never raises, and takes a bounded time.
        """
        ...
