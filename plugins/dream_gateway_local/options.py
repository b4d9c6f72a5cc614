"""The `[plugins.local]` table. An empty one is enough."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from dream_gateway.errors import ConfigurationError

MINUTE = 60.0
DAY = 86_400.0

Seconds = Annotated[float, Meta(gt=0, le=1e9)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durations are seconds; `docs/guides/sign-in.md` explains each."""

    issuer: Annotated[
        str, Meta(description="URL of the service as browsers reach it; empty: where it listens.")
    ] = ""
    sign_up: Annotated[bool, Meta(description="Whether end users may sign up themselves.")] = True
    developer_sign_up: Annotated[
        bool, Meta(description="Whether developers may sign up themselves.")
    ] = True
    verify_email: Annotated[
        bool, Meta(description="Whether an address is confirmed before its first sign-in.")
    ] = True
    developer_origins: Annotated[
        tuple[str, ...], Meta(description="Web origins developers may be sent back to.")
    ] = ()
    session_seconds: Annotated[
        Seconds, Meta(description="Seconds a session lasts at most, used or not.")
    ] = 30 * DAY
    session_idle: Annotated[
        Seconds, Meta(description="Seconds without use after which a session ends.")
    ] = 7 * DAY
    token_seconds: Annotated[
        Annotated[float, Meta(ge=10, le=86_400)],
        Meta(description="Seconds an access token holds; it cannot be taken back."),
    ] = 5 * MINUTE
    key_seconds: Annotated[
        Annotated[float, Meta(ge=3600, le=1e9)],
        Meta(description="Seconds until a signing key is replaced."),
    ] = 90 * DAY
    password_length: Annotated[
        Annotated[int, Meta(ge=8, le=64)], Meta(description="Characters a password has at least.")
    ] = 10
    argon2_memory: Annotated[
        Annotated[int, Meta(ge=8, le=4_194_304)],
        Meta(description="KiB of memory that hashing a password takes."),
    ] = 19_456
    argon2_passes: Annotated[
        Annotated[int, Meta(ge=1, le=1_000)], Meta(description="Passes over that memory.")
    ] = 2
    hash_processes: Annotated[
        Annotated[int, Meta(ge=1, le=64)],
        Meta(description="Processes of each worker that hash passwords, at the lowest priority."),
    ] = 1
    hash_waiting: Annotated[
        Count, Meta(description="Passwords that may wait for them; more are answered with 503.")
    ] = 256
    address_rate: Annotated[
        Count, Meta(description="Attempts a minute from one address (of IPv6: one /64).")
    ] = 30
    account_rate: Annotated[
        Count, Meta(description="Attempts a minute on one account, from where it is not known.")
    ] = 10


def check_options(options: LocalOptions) -> None:
    """Raise `ConfigurationError` for what types cannot tell to be wrong."""
    urls = [("issuer", options.issuer)] if options.issuer else []
    urls += [("developer_origins", origin) for origin in options.developer_origins]
    for name, url in urls:
        if not _is_origin(url):
            raise ConfigurationError(
                f"plugins.local.{name}: not a URL such as https://id.example.com, without a path."
            )


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return fine and url == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
