"""Every hook a plugin may implement. All of them are called at start-up, never per request.

A hook registers objects; the gateway then calls those objects directly. `None` means "not mine".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import click

    from dream_gateway.model import Customer, Project

PROJECT_NAME = "dream_gateway"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class VerdictObserver(Protocol):
    """Sees every verdict, on the event loop: must not block, and must not raise."""

    def observe(self, *, project: str, customer: str, code: str, cost: int) -> None:
        """Take note of one verdict; `code` is `allowed` or the code of the refusal."""
        ...


class RequestCost(Protocol):
    """Prices a proxied request, on the event loop: must not block."""

    def cost(self, *, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> int | None:
        """Return the request's cost in units, 0 or more; `None` leaves it to the route."""
        ...


class Identity(Protocol):
    """Turns an end user's token into the customer it names."""

    async def verify(self, token: str, project: Project) -> Customer | None:
        """Return the token's customer; `None` if the token is not of this kind.

        Raises `InvalidCredentialError` for a token of this kind that does not hold.
        """
        ...


class HookSpecs:
    """The specifications; `settings` is the `[plugins.NAME]` table of the configuration file."""

    @hookspec
    def verdict_observers(self, settings: Mapping[str, object]) -> Sequence[VerdictObserver]:
        """Return objects that see every verdict."""
        raise NotImplementedError

    @hookspec
    def request_costs(self, settings: Mapping[str, object]) -> Sequence[RequestCost]:
        """Return objects that price proxied requests; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def identities(self, settings: Mapping[str, object]) -> Sequence[Identity]:
        """Return verifiers of end users' tokens; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def commands(self) -> Sequence[click.Command]:
        """Return commands to add to `dream-gateway`."""
        raise NotImplementedError
