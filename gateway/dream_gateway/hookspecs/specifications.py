"""The hooks by name: what a plugin is asked at start-up, and what it may return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click
    import msgspec

    from dream_gateway.facilities import Mailer
    from dream_gateway.hookspecs.identities import Identity, UserAdministration, UserWebhook
    from dream_gateway.hookspecs.requests import RequestCost, Tracer, VerdictObserver
    from dream_gateway.hookspecs.services import Exporter, Site
    from dream_gateway.hookspecs.sign_in import CodeExchange, DeveloperSignIn
    from dream_gateway.payments import Billing

PROJECT_NAME = "dream_gateway"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)

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
    def developer_identities(self, settings: Settings) -> Sequence[Identity]:
        """Return verifiers of platform developers' tokens; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def user_administrations(self, settings: Settings) -> Sequence[UserAdministration]:
        """Return who can create end users; the first is asked."""
        raise NotImplementedError

    @hookspec
    def user_webhooks(self, settings: Settings) -> Sequence[UserWebhook]:
        """Return readers of what identity providers tell of end users."""
        raise NotImplementedError

    @hookspec
    def billings(self, settings: Settings) -> Sequence[Billing]:
        """Return who takes customers' money; the first one does."""
        raise NotImplementedError

    @hookspec
    def mailers(self, settings: Settings) -> Sequence[Mailer]:
        """Return what sends mail; the first one does."""
        raise NotImplementedError

    @hookspec
    def sites(self, settings: Settings) -> Sequence[Site]:
        """Return what the service's listener serves beside its own routes."""
        raise NotImplementedError

    @hookspec
    def exporters(self, settings: Settings) -> Sequence[Exporter]:
        """Return what sends on the gateway's measurements, all of them."""
        raise NotImplementedError

    @hookspec
    def tracers(self, settings: Settings) -> Sequence[Tracer]:
        """Return who traces requests; the first one does."""
        raise NotImplementedError

    @hookspec
    def code_exchanges(self, settings: Settings) -> Sequence[CodeExchange]:
        """Return who takes the codes of `POST /api/auth/exchange`; the first one does."""
        raise NotImplementedError

    @hookspec
    def developer_sign_ins(self, settings: Settings) -> Sequence[DeveloperSignIn]:
        """Return who signs developers in to the dashboard; the page offers each."""
        raise NotImplementedError

    @hookspec
    def commands(self, settings: Settings) -> Sequence[click.Command]:
        """Return commands to add to `dream-gateway`."""
        raise NotImplementedError
