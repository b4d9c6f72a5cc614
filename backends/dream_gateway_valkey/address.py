"""What a Valkey URL says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 6379
SCHEMES = {
    "valkey": (False, False),
    "valkeys": (True, False),
    "valkey+cluster": (False, True),
    "valkeys+cluster": (True, True),
    "valkey+unix": (False, False),
}
"""Whether each speaks TLS, and whether it is a cluster."""

OPTIONS = frozenset({"db", "wait", "timeout", "prefix", "ca"})
HELP = "A Valkey URL is valkey://[[user]:password@]host[:port][/database][?timeout=2]."
PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LONGEST_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Node:
    """Where one server listens: a host and a port, or the path of a Unix socket."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        """Return it as people write it."""
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """A store: its servers, how to speak to them, and which part of them is ours.

    `timeout` is the seconds a call may take, `wait` the replicas that must have a write before it
    counts, `prefix` what the name of every key begins with.
    """

    nodes: tuple[Node, ...]
    cluster: bool = False
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    db: int = 0
    wait: int = 0
    timeout: float = 2.0
    prefix: str = "dg"
    ca: str = ""


def parse(url: str) -> Address:
    """Return what a URL says. Raises `ConfigurationError`, which never shows the URL."""
    try:
        parts = urlsplit(url)
        options = _options(parts.query)
        tls, cluster = SCHEMES[parts.scheme]
        nodes = _nodes(parts.scheme, parts.netloc, parts.path, options)
    except (ValueError, KeyError):
        # Without the cause: it may hold the URL, and that a password.
        raise ConfigurationError(HELP) from None
    if parts.fragment or options.keys() - OPTIONS:
        raise ConfigurationError(f"The options of a Valkey URL are {', '.join(sorted(OPTIONS))}.")
    user, password = _credentials(parts.netloc)
    address = Address(
        nodes=nodes,
        cluster=cluster,
        tls=tls,
        user=user,
        password=password,
        db=_whole(options, "db", 0),
        wait=_whole(options, "wait", 0),
        timeout=_seconds(options.get("timeout", "2")),
        prefix=options.get("prefix", "dg"),
        ca=options.get("ca", ""),
    )
    _check(address)
    return address


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ValueError(query)
    return options


def _nodes(scheme: str, netloc: str, path: str, options: dict[str, str]) -> tuple[Node, ...]:
    """Return the servers; a database named by the path is put among the options."""
    hosts = netloc.rpartition("@")[2]
    if scheme == "valkey+unix":
        if hosts or len(path) < 2:
            raise ValueError(scheme)
        return (Node("", 0, unquote(path)),)
    if path not in {"", "/"}:
        if "db" in options or not path[1:].isdigit():
            raise ValueError(path)
        options["db"] = path[1:]
    return tuple(_node(host) for host in hosts.split(","))


def _node(text: str) -> Node:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return Node(parts.hostname, parts.port or DEFAULT_PORT)


def _credentials(netloc: str) -> tuple[str, str]:
    user, _, password = netloc.rpartition("@")[0].partition(":")
    if user and not password:
        raise ConfigurationError(f"A user needs a password, and a password a colon. {HELP}")
    return unquote(user), unquote(password)


def _whole(options: Mapping[str, str], name: str, default: int) -> int:
    value = options.get(name, str(default))
    if not re.fullmatch(r"\d{1,6}", value, re.ASCII):
        raise ConfigurationError(f"The option {name} of a Valkey URL is a whole number.")
    return int(value)


def _seconds(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) or not 0 < float(value) <= LONGEST_TIMEOUT:
        raise ConfigurationError(
            f"The option timeout of a Valkey URL is in seconds, at most {LONGEST_TIMEOUT:.0f}."
        )
    return float(value)


def _check(address: Address) -> None:
    if not PREFIX.fullmatch(address.prefix):
        raise ConfigurationError(
            "The option prefix of a Valkey URL is letters, digits, '_', '.' and '-', at most 64."
        )
    if address.cluster and address.db:
        raise ConfigurationError("A Valkey cluster has no databases: use the option prefix.")
    if len(address.nodes) > 1 and not address.cluster:
        raise ConfigurationError("Several servers are a cluster: use valkey+cluster://.")
    if address.ca and not address.tls:
        raise ConfigurationError("The option ca of a Valkey URL is for valkeys://.")
