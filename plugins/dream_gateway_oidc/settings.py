"""What can be set of an identity provider, checked when the plugin is opened."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from dream_gateway.errors import ConfigurationError
from dream_gateway.origins import check_confidential

T = TypeVar("T", bound=msgspec.Struct)

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""What may sign tokens: asymmetric algorithms only. The keys are public, so an HMAC proves nothing."""

Leeway = Annotated[float, Meta(ge=0, le=300)]


Table = dict[str, object]


class Applications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables of the plugin `oidc`, each read as `ProviderSettings`."""

    users: Annotated[
        Table | None, Meta(description="The provider of end users: see the guide to identity.")
    ] = None
    developers: Annotated[
        Table | None,
        Meta(
            description="The provider of developers: see the guide to identity.",
            extra={"secret": True},
        ),
    ] = None


class ClaimNames(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which claim says what; an empty name: none does."""

    tenant: str = "publishableKey"
    email: str = "email"
    email_verified: str = "email_verified"
    first_name: str = "given_name"
    last_name: str = "family_name"


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One application at one provider. `leeway` is seconds that clocks may differ by.

    Without `jwks_uri` the keys are found by the issuer's discovery document. A token needs one of
    `audience` as `aud`, and one of `authorized_parties` as `azp`, where these are given. With a
    `client_id`, developers sign in to the dashboard at the provider; `label` is what it is called there.
    """

    issuer: str
    jwks_uri: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    audience: tuple[str, ...] = ()
    authorized_parties: tuple[str, ...] = ()
    leeway: Leeway = 5.0
    claims: ClaimNames = ClaimNames()
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    label: str = ""


def read(table: object, kind: type[T], where: str) -> T:
    """Return a table as settings. Raises `ConfigurationError`, which names the table."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as exc:
        raise ConfigurationError(f"{where}: {exc}") from exc


def provider(table: object, where: str) -> ProviderSettings:
    """Return the settings of any provider. Raises `ConfigurationError`."""
    found = read(table, ProviderSettings, where)
    if not (found.audience or found.authorized_parties):
        raise ConfigurationError(
            f"{where}: audience or authorized_parties has to be given: "
            "else the tokens of any other application of this issuer would do."
        )
    return checked(found, where)


def checked(settings: ProviderSettings, where: str) -> ProviderSettings:
    """Return settings that can work. Raises `ConfigurationError` for any that cannot."""
    check_confidential(settings.issuer, f"{where}.issuer")
    if settings.jwks_uri:
        check_confidential(settings.jwks_uri, f"{where}.jwks_uri")
    strange = sorted({*settings.algorithms} - ALGORITHMS)
    if strange or not settings.algorithms:
        known = ", ".join(sorted(ALGORITHMS))
        named = f" not {', '.join(strange)}" if strange else " at least one"
        raise ConfigurationError(f"{where}.algorithms: some of {known};{named}.")
    return settings
