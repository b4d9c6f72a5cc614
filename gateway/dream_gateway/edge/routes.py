"""Where a path leads: routes, and the table that finds the one with the longest prefix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_MAX_BODY = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix of paths, the upstreams behind it, and what a request to it costs.

    Timeouts are seconds: `read_timeout` is the longest silence of the upstream, not the length of
    an answer. No `methods` means all of them. `max_body` is bytes.
    `retries` is how many more attempts a request may have. `preflight` lets a browser's question pass,
    uncounted, whether a page may ask at all: it never has a key.
    """

    prefix: str = "/"
    upstreams: tuple[str, ...] = ()
    strip_prefix: bool = False
    cost: int = 1
    scopes: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    write_timeout: float = 60.0
    max_body: int = DEFAULT_MAX_BODY
    retries: int = 1
    charge: Literal["admitted", "success"] = "admitted"
    on_store_failure: Literal["closed", "open"] = "closed"
    keep_credential: bool = False
    preserve_host: bool = False
    public: bool = False
    preflight: bool = False
    plain: bool = field(init=False)
    """Whether a request to it needs no more than a key, and costs one unit."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, at start-up."""
        plain = self.cost == 1 and not (self.scopes or self.public)
        object.__setattr__(self, "plain", plain)
        if not self.prefix.startswith("/") or "//" in self.prefix:
            raise ConfigurationError(f"The route prefix {self.prefix!r} is not an absolute path.")
        if self.prefix != "/" and self.prefix.endswith("/"):
            object.__setattr__(self, "prefix", self.prefix.rstrip("/"))
        if self.cost < 0 or self.max_body < 0 or self.retries < 0:
            raise ConfigurationError(
                f"The route {self.prefix} has a negative cost, max_body or retries."
            )
        if min(self.connect_timeout, self.read_timeout, self.write_timeout) <= 0:
            raise ConfigurationError(f"The route {self.prefix} has a timeout that is not positive.")
        if self.charge not in {"admitted", "success"}:
            raise ConfigurationError(f"The route {self.prefix} has an unknown charge.")
        if self.on_store_failure not in {"closed", "open"}:
            raise ConfigurationError(f"The route {self.prefix} has an unknown on_store_failure.")


class RouteTable:
    """Routes by prefix; the longest one that ends where a path segment ends wins."""

    __slots__ = ("_by_prefix", "_depth", "_only", "_root", "routes")

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._by_prefix = {route.prefix: route for route in self.routes}
        if len(self._by_prefix) != len(self.routes):
            raise ConfigurationError("Two routes have the same prefix.")
        self._root = self._by_prefix.get("/")
        self._only = self._root is not None and len(self.routes) == 1
        self._depth = max((route.prefix.count("/") for route in self.routes), default=0)

    def match(self, path: str) -> Route | None:
        """Return the route of a decoded path, `None` if there is none.

        Repeated slashes count as one: most servers merge them, and a route must not be passed by
        with a second slash.
        """
        if self._only:
            return self._root
        if "//" in path:
            path = merge_slashes(path)
        return self._by_prefix.get(path) or self._longest(path)

    def _longest(self, path: str) -> Route | None:
        cut = _end_of_segment(path, self._depth)
        while cut > 0:
            route = self._by_prefix.get(path[:cut])
            if route is not None:
                return route
            cut = path.rfind("/", 0, cut)
        return self._root


def merge_slashes(path: str) -> str:
    """Return the path with every run of slashes made one."""
    while "//" in path:
        path = path.replace("//", "/")
    return path


def has_dot_segments(path: str) -> bool:
    """Tell whether a decoded path has a `.` or `..` segment, which could lead out of its route."""
    if "/." not in path:
        return False
    return any(part in {".", ".."} for part in path.split("/"))


def strip_prefix(raw: bytes, prefix: str) -> bytes:
    """Return a raw path without the route's prefix, its percent-encoding untouched.

    The raw path must decode to one that the prefix matches; it may spell it differently.
    """
    if prefix == "/":
        return raw
    wanted = prefix.encode()
    cut = len(wanted) if raw.startswith(wanted) else _encoded_length(raw, wanted)
    rest = raw[cut:]
    return rest if rest.startswith(b"/") else b"/" + rest


def _encoded_length(raw: bytes, wanted: bytes) -> int:
    """Return how many bytes of `raw` spell `wanted`, with any percent-encoding or extra slashes."""
    at = done = 0
    last = b""
    while done < len(wanted) and at < len(raw):
        encoded = raw[at : at + 1] == b"%"
        char = bytes.fromhex(raw[at + 1 : at + 3].decode()) if encoded else raw[at : at + 1]
        at += 3 if encoded else 1
        if not (char == b"/" == last):
            done += 1
        last = char
    return at


def _end_of_segment(path: str, depth: int) -> int:
    """Return where the path's first `depth` segments end."""
    at = 0
    for _ in range(depth):
        at = path.find("/", at + 1)
        if at < 0:
            return len(path)
    return at
