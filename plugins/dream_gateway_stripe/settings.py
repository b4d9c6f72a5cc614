"""What can be set of Stripe: in the table, or in the environment under the names Stripe's users know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from dream_gateway.errors import ConfigurationError
from dream_gateway.origins import check_confidential

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = {
    "secret_key": "STRIPE_SECRET_KEY",
    "test_secret_key": "STRIPE_TEST_SECRET_KEY",
    "client_id": "STRIPE_CLIENT_ID",
    "test_client_id": "STRIPE_TEST_CLIENT_ID",
    "webhook_secret": "STRIPE_WEBHOOK_SECRET",
    "platform_webhook_secret": "STRIPE_PLATFORM_WEBHOOK_SECRET",
    "price_id": "STRIPE_PRICE_ID",
    "frontend_url": "FRONTEND_URL",
}
"""Where a setting comes from that is not in the table."""

API = "https://api.stripe.com"
CONNECT = "https://connect.stripe.com"

TEST_KEYS = ("sk_test_", "rk_test_")
LIVE_KEYS = ("sk_live_", "rk_live_")

_SECRET = {"secret": True}
_WHILE_CHANGED = "two with a comma between while one is changed"


class StripeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[plugins.stripe]` table. What is empty there is taken from the environment."""

    secret_key: Annotated[
        str,
        Meta(description=f"Stripe's secret key, live or test; {_WHILE_CHANGED}.", extra=_SECRET),
    ] = ""
    test_secret_key: Annotated[
        str,
        Meta(
            description="The key of test mode where secret_key is live, for test projects.",
            extra=_SECRET,
        ),
    ] = ""
    client_id: Annotated[
        str, Meta(description="Client id of Connect's OAuth, in the mode of secret_key.")
    ] = ""
    test_client_id: Annotated[str, Meta(description="Client id of OAuth in test mode.")] = ""
    webhook_secret: Annotated[
        str,
        Meta(
            description="Signing secrets of the Connect endpoints, with commas between.",
            extra=_SECRET,
        ),
    ] = ""
    platform_webhook_secret: Annotated[
        str,
        Meta(
            description="Signing secrets of the endpoints for your own account's events.",
            extra=_SECRET,
        ),
    ] = ""
    price_id: Annotated[
        str, Meta(description="Price of the plan that platforms pay; empty: they pay nothing.")
    ] = ""
    frontend_url: Annotated[
        str, Meta(description="Where developers come back to from Stripe; empty: where they say.")
    ] = ""
    automatic_tax: Annotated[
        bool, Meta(description="Whether Stripe Tax works taxes out at the checkout.")
    ] = False
    promotion_codes: Annotated[
        bool, Meta(description="Whether the checkout takes promotion codes.")
    ] = False
    timeout: Annotated[
        Annotated[float, Meta(gt=0, le=300)], Meta(description="Seconds Stripe may take to answer.")
    ] = 20.0
    api_url: Annotated[str, Meta(description="Where Stripe's API is.")] = API
    connect_url: Annotated[str, Meta(description="Where Connect's OAuth is.")] = CONNECT


@dataclass(frozen=True, slots=True)
class ModeKeys:
    """What acts in one mode: the keys, the newest first, and the client id of its OAuth, if any."""

    secret_keys: tuple[str, ...]
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings that can work. `modes` has what there is for test (`False`) and live (`True`).

    The operator's own account is used in the mode `live`, that of the setting `secret_key`.
    """

    modes: Mapping[bool, ModeKeys]
    live: bool
    connect_secrets: tuple[str, ...]
    platform_secrets: tuple[str, ...]
    settings: StripeSettings


def configured(settings: StripeSettings, environment: Mapping[str, str]) -> Configuration:
    """Return settings that can work. Raises `ConfigurationError` for any that cannot."""
    taken = {
        field: environment.get(variable, "").strip()
        for field, variable in VARIABLES.items()
        if not getattr(settings, field)
    }
    settings = msgspec.structs.replace(settings, **taken)
    for name in ("api_url", "connect_url", "frontend_url"):
        url = getattr(settings, name)
        if url or name != "frontend_url":
            check_confidential(url, f"plugins.stripe.{name}")
    keys = _pieces(settings.secret_key)
    live = _is_live(keys, "secret_key")
    modes = {live: ModeKeys(keys, settings.client_id)}
    test_keys = _pieces(settings.test_secret_key)
    if test_keys:
        if _is_live(test_keys, "test_secret_key") or not live:
            raise ConfigurationError(
                "plugins.stripe.test_secret_key: a test key, beside a live one as secret_key."
            )
        modes[False] = ModeKeys(test_keys, settings.test_client_id)
    return Configuration(
        modes=modes,
        live=live,
        connect_secrets=_signing(settings.webhook_secret, "webhook_secret"),
        platform_secrets=_signing(settings.platform_webhook_secret, "platform_webhook_secret"),
        settings=settings,
    )


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(piece for piece in (part.strip() for part in text.split(",")) if piece)


def _is_live(keys: tuple[str, ...], name: str) -> bool:
    """Return the mode that a setting's keys are of: their prefix says it."""
    if not keys:
        raise ConfigurationError(
            f"plugins.stripe.{name} is missing; "
            f"it may also be in the environment, as {VARIABLES[name]}."
        )
    for prefixes, live in ((LIVE_KEYS, True), (TEST_KEYS, False)):
        if all(key.startswith(prefixes) for key in keys):
            return live
    raise ConfigurationError(
        f"plugins.stripe.{name}: secret keys of Stripe's (sk_live_ or sk_test_), all of one mode."
    )


def _signing(text: str, name: str) -> tuple[str, ...]:
    secrets = _pieces(text)
    if not all(secret.startswith("whsec_") for secret in secrets):
        raise ConfigurationError(
            f"plugins.stripe.{name}: signing secrets of webhook endpoints begin with whsec_."
        )
    return secrets
