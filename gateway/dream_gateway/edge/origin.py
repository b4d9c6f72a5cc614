"""Where an upstream is: its URL taken apart once, at start-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dream_gateway.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """One upstream. `socket` is the path of a Unix socket, `base` a path put before ours."""

    url: str
    host: str
    port: int
    tls: bool = False
    socket: str | None = None
    base: bytes = b""
    authority: bytes = field(init=False)
    """The `Host` it is asked for: without the port where that is the scheme's own."""

    def __post_init__(self) -> None:
        """Work the authority out once."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = _DEFAULT_PORTS["https" if self.tls else "http"]
        authority = host if self.port == default else f"{host}:{self.port}"
        object.__setattr__(self, "authority", authority.encode("idna"))

    def at(self, target: bytes) -> str:
        """Return the URL of what is asked for there, without its query."""
        scheme = b"https://" if self.tls else b"http://"
        return (scheme + self.authority + self.base + target.partition(b"?")[0]).decode("ascii")


def parse_origin(url: str) -> Origin:
    """Read `http://host[:port][/base]`, `https://...` or `unix:/path/to.sock`.

    Raises `ConfigurationError` for anything else; it never repeats a password.
    """
    if url.startswith("unix:"):
        path = url.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise ConfigurationError("A Unix socket upstream is written unix:/absolute/path.")
        return Origin(url, "localhost", 80, socket=path)
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConfigurationError("An upstream is http://, https:// or unix:/path.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("An upstream URL has no user, password, query or fragment.")
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError as exc:
        raise ConfigurationError("The port of an upstream is 1 to 65535.") from exc
    base = parts.path.rstrip("/").encode("ascii", "strict") if parts.path.isascii() else None
    if base is None:
        raise ConfigurationError("The path of an upstream URL is percent-encoded ASCII.")
    return Origin(url, parts.hostname, port, parts.scheme == "https", base=base)
