"""Every hook a plugin may implement. All of them are called at start-up, never per request.

A hook registers objects; the gateway then calls those objects directly. `None` means "not mine".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click
    import msgspec

    from dream_gateway.model import Project

PROJECT_NAME = "dream_gateway"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class VerdictObserver(Protocol):
    """Sees every verdict of the edge, on the event loop: must not block, and must not raise."""

    def observe(self, *, project: str, customer: str, code: str, cost: int) -> None:
        """Take note of one verdict; `code` is `allowed` or the code of the refusal."""
        ...


class RequestCost(Protocol):
    """Prices a proxied request, on the event loop: must not block."""

    def cost(self, *, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> int | None:
        """Return the request's cost in units, 0 or more; `None` leaves it to the route."""
        ...


@dataclass(frozen=True, slots=True)
class EndUser:
    """Whom a token names: a customer's external id in the project that the token is for.

    One that is not known yet is on the project's default tier, and registered on first use.
    """

    project_id: str
    external_id: str


class Identity(Protocol):
    """Turns an end user's token into the customer it names. Runs on the event loop: must not block."""

    async def verify(self, token: str, project: Project) -> EndUser | None:
        """Return whom a token names; `None` if the token is not of this kind.

        Raises `InvalidCredentialError` for a token of this kind that does not hold.
        """
        ...


Settings = Any
"""A plugin's own settings: its `settings_type`, or the `[plugins.NAME]` table if it declares none."""


class HookSpecs:
    """The specifications. `settings` is the plugin's own: see `Settings`."""

    @hookspec
    def settings_type(self) -> type[msgspec.Struct]:
        """Return the `msgspec.Struct` that the plugin's settings are; asked before any other hook.

        A field is a setting: its type with its bounds, its default unless it must be set, and its help
        (`msgspec.Meta(description=...)`). A value that does not fit is a `ConfigurationError` at
        the start. What is marked `secret` (`Meta(extra={"secret": True})`) is never shown.
        """
        raise NotImplementedError

    @hookspec
    def verdict_observers(self, settings: Settings) -> Sequence[VerdictObserver]:
        """Return objects that see every verdict of the edge."""
        raise NotImplementedError

    @hookspec
    def request_costs(self, settings: Settings) -> Sequence[RequestCost]:
        """Return objects that price proxied requests; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def identities(self, settings: Settings) -> Sequence[Identity]:
        """Return verifiers of end users' tokens; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def commands(self, settings: Settings) -> Sequence[click.Command]:
        """Return commands to add to `dream-gateway`."""
        raise NotImplementedError
