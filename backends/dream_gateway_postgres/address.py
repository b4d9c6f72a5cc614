"""Reads the store's URL: libpq's own, with options of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from dream_gateway.errors import ConfigurationError

SCHEMES = ("postgres", "postgresql")
CONNECT_SECONDS = 5.0
POOL = 10
HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]@]*)(:[0-9]{1,5})?")

HANDLED_HERE = frozenset({
    "connect_timeout", "channel_binding", "gssencmode", "keepalives", "keepalives_idle",
    "keepalives_interval", "keepalives_count", "tcp_user_timeout", "fallback_application_name",
})  # fmt: skip
"""Parameters of libpq that the driver does not know, and would pass on to the server."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is: a URL for each host. They may hold a password, so they are not shown.

    `pooled`: through a pooler that gives each transaction another connection of the server.
    `pool` is the most connections the records may use at once; times are in seconds.
    """

    dsns: tuple[str, ...] = field(repr=False)
    pooled: bool
    pool: int
    connect_timeout: float


def parse(url: str) -> Address:
    """Return the address. Raises `ConfigurationError`, which never shows any part of the URL."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    except ValueError:
        # Not chained: the parser's words may quote a password.
        raise ConfigurationError("The PostgreSQL URL cannot be read.") from None
    if parts.scheme not in SCHEMES or not url.startswith(f"{parts.scheme}://") or parts.fragment:
        raise ConfigurationError(
            "A PostgreSQL URL is postgresql://user:password@host:port/database?option=value."
        )
    pooler = options.pop("pooler", "session")
    if pooler not in {"session", "transaction"}:
        raise ConfigurationError("The option pooler of a PostgreSQL URL is session or transaction.")
    pool = _positive(options.pop("pool", str(POOL)), "pool")
    # As libpq: 0 or nothing is no limit of its own, and there is one here anyway.
    seconds = _positive(options.get("connect_timeout") or "0", "connect_timeout", least=0)
    known = {name: value for name, value in options.items() if name not in HANDLED_HERE}
    path = quote(unquote(parts.path))
    dsns = tuple(
        f"postgresql://{netloc}{path}{'?' if each else ''}{urlencode(each)}"
        for netloc, each in _places(parts.netloc, known)
    )
    return Address(
        dsns,
        pooler == "transaction",
        pool,
        min(float(seconds), CONNECT_SECONDS) if seconds else CONNECT_SECONDS,
    )


def _places(netloc: str, options: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return user and host, and the options, for each host; hosts of an option win, as in libpq."""
    user, _, listed = netloc.rpartition("@")
    hosts = listed.split(",")
    if any(HOST.fullmatch(unquote(host)) is None for host in hosts):
        raise ConfigurationError("A host or a port of the PostgreSQL URL cannot be read.")
    # The driver takes the first @ for the last.
    user = f"{user.replace('@', '%40')}@" if user else ""
    ports = options.get("port", "").split(",")
    if any(re.fullmatch(r"[0-9]{0,5}", port) is None for port in ports):
        raise ConfigurationError("A port of the PostgreSQL URL cannot be read.")
    if not options.get("host"):
        return [(f"{user}{host}", options) for host in hosts]
    named = options["host"].split(",")
    if len(ports) == 1:
        ports *= len(named)
    if len(ports) != len(named):
        raise ConfigurationError("The PostgreSQL URL needs one port, or one for each host.")
    others = {name: value for name, value in options.items() if name not in {"host", "port"}}
    return [
        (user, {"host": host, **({"port": port} if port else {}), **others})
        for host, port in zip(named, ports, strict=True)
    ]


def _positive(value: str, name: str, *, least: int = 1) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 6 and int(value) >= least):
        raise ConfigurationError(f"The option {name} of a PostgreSQL URL is a whole number.")
    return int(value)
