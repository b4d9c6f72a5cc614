"""A request as both planes look at it, whatever it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http.asgi import raw_path

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers, Scope


class Inbound:
    """A request's head. `path` is decoded; `raw_path` and `query` are as they came.

    `headers` are raw, lower-case and in order; `fields` has the last value of each name. `client` is
    the peer's address, `None` if unknown; `scheme` is `http`, `https`, `ws` or `wss`.
    """

    __slots__ = (
        "client",
        "fields",
        "headers",
        "method",
        "path",
        "query",
        "raw_path",
        "scheme",
        "version",
    )

    client: str | None
    fields: dict[bytes, bytes]
    headers: Headers
    method: str
    path: str
    query: bytes
    raw_path: bytes
    scheme: str
    version: str


def from_scope(scope: Scope) -> Inbound:
    """Return the request of an ASGI connection scope."""
    inbound = Inbound()
    client = scope.get("client")
    inbound.client = client[0] if client else None
    inbound.headers = scope["headers"]
    inbound.fields = dict(scope["headers"])
    inbound.method = scope.get("method", "GET")
    inbound.path = scope["path"]
    inbound.query = scope.get("query_string", b"")
    inbound.raw_path = raw_path(scope)
    inbound.scheme = scope.get("scheme", "http")
    inbound.version = scope.get("http_version", "1.1")
    return inbound
