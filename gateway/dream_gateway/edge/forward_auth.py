"""Forward-auth: a front proxy asks whether the request it holds may pass.

For nginx `auth_request`, Caddy `forward_auth`, Traefik `ForwardAuth` and Envoy's HTTP `ext_authz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from dream_gateway.edge.fields import REQUEST_ID, add_identity, identity
from dream_gateway.edge.routes import Route, has_dot_segments
from dream_gateway.errors import BadRequestError, MethodNotAllowedError
from dream_gateway.http.reply import Reply
from dream_gateway.http1.shortcut import Patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.edge.gate import Ask, Gate, KeyAdmission
    from dream_gateway.edge.routes import RouteTable
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http.ratelimit import LiveLimits, RateLimitHeaders
    from dream_gateway.http.request_ids import RequestIds
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.shortcut import Shortcut
    from dream_gateway.model import Verdict
    from dream_gateway.subjects import Subject

_METHODS = (b"x-forwarded-method", b"x-original-method")
_TARGETS = (b"x-forwarded-uri", b"x-original-uri", b"x-original-url")
_FRONT_FIELDS = frozenset({*_METHODS, *_TARGETS})
_ADMITTED = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncache-control: no-store\r\n"


class ForwardAuth:
    """Answers 200 with the customer's identity, or refuses.

    The route of the original path decides about cost and scopes; a path without a route, or none
    told, is admitted at the cost of one unit. Only the front proxy may reach this.
    """

    __slots__ = ("_default", "_gate", "_limits", "_routes")

    def __init__(self, gate: Gate, routes: RouteTable, limits: RateLimitHeaders) -> None:
        self._gate = gate
        self._routes = routes
        self._limits = limits
        self._default = Route()

    def shortcut(
        self, client: HttpConnection, request: Request, key: bytes, ids: RequestIds
    ) -> Shortcut | None:
        """Return what answers a plain question, if it is about no path in particular.

        `key` is the digest of a plain key: see `Gate.plain_key`.
        """
        if not _FRONT_FIELDS.isdisjoint(request.fields) or request.query:
            return None
        given = request.fields.get(REQUEST_ID)
        return _Inquiry(client, self._gate.admission, key, self._limits, ids.source(given))

    async def answer(self, inbound: Inbound, ip: str | None, request_id: bytes) -> Reply:
        """Answer one question. Raises `GatewayError` and `DeniedError`."""
        ask = self.ask(inbound, ip)
        verdict = self._gate.try_admit(ask) or await self._gate.admit(ask)
        return self.admitted(verdict, request_id)

    def ask(self, inbound: Inbound, ip: str | None) -> Ask:
        """Return what admission has to know about the request that the front proxy holds."""
        fields = inbound.fields
        asked = _first(fields, _METHODS)
        method = inbound.method if asked is None else asked.decode("latin-1")
        path, query = _original(fields)
        route = (self._routes.match(path) if path else None) or self._default
        if route.methods and method not in route.methods:
            raise MethodNotAllowedError
        return self._gate.ask(route, inbound, ip, (method, path, query))

    def admitted(self, verdict: Verdict, request_id: bytes) -> Reply:
        """Return the answer that lets the request pass."""
        headers: Headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
        add_identity(headers, verdict)
        self._limits.add(headers, verdict)
        headers.append((REQUEST_ID, request_id))
        return Reply(200, headers, b"")


class _Inquiry(Patient):
    """A shortcut: answers the plainest questions, which only name a key."""

    __slots__ = ("_about", "_identity", "_limits", "_next_id")

    def __init__(
        self,
        client: HttpConnection,
        admission: KeyAdmission,
        key: bytes,
        limits: RateLimitHeaders,
        next_id: Callable[[], bytes],
    ) -> None:
        super().__init__(client, admission, admission.by_key(key))
        self._limits = limits
        self._next_id = next_id
        self._about: Subject | None = None
        self._identity = b""

    def answer(self, subject: Subject, now: float) -> bytes:
        """Let the request pass."""
        if subject is not self._about:
            self._about = subject
            self._identity = _ADMITTED + identity(subject).lines
        limits: LiveLimits = subject.limits or self._limits.live(subject)
        return b"".join(
            (
                self._identity,
                limits.lines(now),
                b"x-request-id: ",
                self._next_id(),
                b"\r\n",
                self._client.watch.date,
                b"\r\n",
            )
        )


def _first(fields: dict[bytes, bytes], names: tuple[bytes, ...]) -> bytes | None:
    """Return the first of several fields that is there and not empty."""
    for name in names:
        value = fields.get(name)
        if value:
            return value
    return None


def _original(fields: dict[bytes, bytes]) -> tuple[str, bytes]:
    """Return the decoded path and the query that the front proxy was asked for."""
    found = _first(fields, _TARGETS)
    if found is None:
        return "", b""
    raw, _, query = found.partition(b"?")
    if b"://" in raw:
        raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
    path = unquote(raw.decode("latin-1"))
    if has_dot_segments(path):
        raise BadRequestError("The path has dot segments.")
    return path, query
