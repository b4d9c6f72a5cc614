"""The plugin `clerk`: OpenID Connect as Clerk does it, its users, and what it tells of them."""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.hookspecs import hookimpl
from dream_gateway.origins import check_confidential
from dream_gateway_oidc.clerk_users import API, ClerkUsers
from dream_gateway_oidc.clerk_webhook import ClerkWebhook
from dream_gateway_oidc.plugin import sign_in, verifier
from dream_gateway_oidc.settings import (
    ClaimNames,
    Leeway,
    ProviderSettings,
    Table,
    checked,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.hookspecs import DeveloperSignIn, Identity, UserAdministration, UserWebhook

VARIABLES = {
    "users": {
        "publishable_key": "CLERK_PUBLISHABLE_KEY",
        "secret_key": "CLERK_SECRET_KEY",
        "webhook_secret": "CLERK_WEBHOOK_SECRET",
    },
    "developers": {
        "publishable_key": "CLERK_DEVELOPERS_PUBLISHABLE_KEY",
        "secret_key": "CLERK_DEVELOPERS_SECRET_KEY",
        "client_secret": "CLERK_DEVELOPERS_CLIENT_SECRET",
    },
}
"""Where a setting comes from that is not in an application's table."""

CATEGORIES = frozenset({"cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_I7d4PD111III"})
"""The `cat` of a session's token, of a template's, and of instances that do not tell them apart.

The same key signs machines' tokens, which have another.
"""


class ClerkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Clerk instance. Its issuer is in the publishable key, which is Clerk's own.

    With the `client_id` of an OAuth application there, developers sign in to the dashboard at Clerk.
    """

    publishable_key: str = ""
    secret_key: str = ""
    webhook_secret: str = ""
    api_url: str = API
    authorized_parties: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    jwks_uri: str = ""
    issuer: str = ""
    leeway: Leeway = 5.0
    claims: ClaimNames = ClaimNames(first_name="first_name", last_name="last_name")
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    label: str = "Clerk"


class ClerkApplications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of the plugin, each read as `ClerkSettings`. There may be secrets in them."""

    users: Annotated[
        Table | None,
        Meta(description="Clerk for end users: see the guide to identity.", extra={"secret": True}),
    ] = None
    developers: Annotated[
        Table | None,
        Meta(
            description="Clerk for developers: see the guide to identity.", extra={"secret": True}
        ),
    ] = None


class ClerkPlugin:
    """Reads `[plugins.clerk.users]` and `[plugins.clerk.developers]`; without either, for users."""

    @hookimpl
    def settings_type(self) -> type[ClerkApplications]:
        """Declare the tables."""
        return ClerkApplications

    @hookimpl
    def identities(self, settings: ClerkApplications) -> Sequence[Identity]:
        """Verify end users' tokens."""
        return _identities(settings, "users")

    @hookimpl
    def developer_identities(self, settings: ClerkApplications) -> Sequence[Identity]:
        """Verify developers' tokens."""
        return _identities(settings, "developers")

    @hookimpl
    def developer_sign_ins(self, settings: ClerkApplications) -> Sequence[DeveloperSignIn]:
        """Sign developers in to the dashboard, if the gateway is an OAuth application of theirs."""
        found = app(settings, "developers")
        if found is None or not found.client_id:
            return []
        return [sign_in(client_of(found), name="clerk")]

    @hookimpl
    def user_administrations(self, settings: ClerkApplications) -> Sequence[UserAdministration]:
        """Keep end users at Clerk, if there is a secret key."""
        found = app(settings, "users")
        if found is None or not found.secret_key:
            return []
        return [ClerkUsers(found.issuer, found.secret_key, found.api_url)]

    @hookimpl
    def user_webhooks(self, settings: ClerkApplications) -> Sequence[UserWebhook]:
        """Read what Clerk tells of end users, if there is a secret to know it by."""
        found = app(settings, "users")
        if found is None or not found.webhook_secret:
            return []
        return [ClerkWebhook(found.issuer, found.webhook_secret.split(), SystemClock())]


def app(settings: ClerkApplications, name: str) -> ClerkSettings | None:
    """Return an application's settings, `None` if it has none. Raises `ConfigurationError`."""
    given = settings.users if name == "users" else settings.developers
    if given is None and (name != "users" or settings.developers is not None):
        return None
    where = f"plugins.clerk.{name}"
    table = read(given or {}, ClerkSettings, where)
    variables = VARIABLES[name]
    taken = {
        field: os.environ.get(variable, "")
        for field, variable in variables.items()
        if not getattr(table, field)
    }
    table = msgspec.structs.replace(table, **taken)
    if not table.issuer and not table.publishable_key:
        raise ConfigurationError(
            f"{where}: publishable_key is missing; "
            f"it may also be in the environment, as {variables['publishable_key']}."
        )
    issuer = table.issuer or issuer_of(table.publishable_key, where)
    check_confidential(table.api_url, f"{where}.api_url")
    return msgspec.structs.replace(table, issuer=issuer)


def client_of(settings: ClerkSettings) -> ProviderSettings:
    """Return the provider that Clerk is to an OAuth application: claims are OpenID Connect's own."""
    provider = ProviderSettings(
        issuer=settings.issuer,
        jwks_uri=settings.jwks_uri,
        audience=(settings.client_id,),
        leeway=settings.leeway,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        scopes=settings.scopes,
        label=settings.label,
    )
    return checked(provider, "plugins.clerk.developers")


def issuer_of(publishable_key: str, where: str) -> str:
    """Return the issuer that is in a publishable key of Clerk's: its host, and `$`, in base64."""
    encoded = publishable_key.removeprefix("pk_test_").removeprefix("pk_live_")
    try:
        host = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except (Base64Error, ValueError):
        host = ""
    if encoded == publishable_key or not host.endswith("$") or len(host) < 2:
        raise ConfigurationError(f"{where}.publishable_key: not one of Clerk's.")
    return f"https://{host[:-1]}"


def faults(header: Mapping[str, Any]) -> str:
    """Return what is wrong with a token's header; empty: nothing."""
    return "" if header.get("cat") in CATEGORIES else "another category of token"


def _identities(settings: ClerkApplications, name: str) -> Sequence[Identity]:
    found = app(settings, name)
    if found is None:
        return []
    provider = ProviderSettings(
        issuer=found.issuer,
        jwks_uri=found.jwks_uri or f"{found.issuer}/.well-known/jwks.json",
        audience=found.audience,
        authorized_parties=found.authorized_parties,
        leeway=found.leeway,
        claims=found.claims,
    )
    return [verifier(checked(provider, f"plugins.clerk.{name}"), faults=faults)]
