"""The plugin `oidc`: tokens of any OpenID Connect provider, for end users, developers, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.hookspecs import hookimpl
from dream_gateway_oidc.keyset import KeySet
from dream_gateway_oidc.settings import Applications, provider
from dream_gateway_oidc.sign_in import OidcSignIn
from dream_gateway_oidc.verifier import TokenVerifier
from dream_gateway_oidc.web import Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from dream_gateway.clock import Clock
    from dream_gateway.hookspecs import DeveloperSignIn, Identity
    from dream_gateway_oidc.settings import ProviderSettings


def verifier(
    settings: ProviderSettings,
    clock: Clock | None = None,
    faults: Callable[[Mapping[str, Any]], str] | None = None,
) -> TokenVerifier:
    """Return what verifies an application's tokens; nothing is read before the first."""
    clock = clock or SystemClock()
    source = Provider(settings)
    return TokenVerifier(settings, source, KeySet(source.keys, clock), clock, faults)


class OidcPlugin:
    """Reads `[plugins.oidc.users]` and `[plugins.oidc.developers]`, each for itself."""

    @hookimpl
    def settings_type(self) -> type[Applications]:
        """Declare the tables."""
        return Applications

    @hookimpl
    def identities(self, settings: Applications) -> Sequence[Identity]:
        """Verify end users' tokens, if that is set up."""
        return _of(settings, "users")

    @hookimpl
    def developer_identities(self, settings: Applications) -> Sequence[Identity]:
        """Verify developers' tokens, if that is set up."""
        return _of(settings, "developers")

    @hookimpl
    def developer_sign_ins(self, settings: Applications) -> Sequence[DeveloperSignIn]:
        """Sign developers in to the dashboard, if the gateway is a client of their provider."""
        if settings.developers is None:
            return []
        found = provider(settings.developers, "plugins.oidc.developers")
        return [sign_in(found)] if found.client_id else []


def sign_in(
    settings: ProviderSettings, clock: Clock | None = None, name: str = "oidc"
) -> OidcSignIn:
    """Return what signs people in at a provider, under a name in addresses.

    An ID token is for the client, and for nobody else.
    """
    own = replace(settings, audience=(settings.client_id,), authorized_parties=())
    clock, source = clock or SystemClock(), Provider(own)
    verifies = TokenVerifier(own, source, KeySet(source.keys, clock), clock)
    return OidcSignIn(own, source, verifies, name)


def _of(settings: Applications, app: str) -> Sequence[Identity]:
    if settings.users is None and settings.developers is None:
        raise ConfigurationError(
            "plugins.oidc: there is neither [plugins.oidc.users] nor [plugins.oidc.developers]."
        )
    table = getattr(settings, app)
    return [] if table is None else [verifier(provider(table, f"plugins.oidc.{app}"))]
