"""A plain request on its way to an upstream and back: one write there, and one write back.

As long as the answer comes whole and is plain, too, this is all there is. Whatever else comes up, a
`Relay` carries on from where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.edge.answer import read_answer
from dream_gateway.edge.fields import REQUEST_ID, identity
from dream_gateway.edge.gate import PLAIN_FOUND, Ask
from dream_gateway.edge.link import UNKNOWN
from dream_gateway.edge.relay import Relay
from dream_gateway.verdicts import Admitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.counter import Counter
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.link import Link
    from dream_gateway.edge.origins import Origins
    from dream_gateway.edge.pool import Pool
    from dream_gateway.edge.routes import Route
    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.subjects import Subject


class Errand(NamedTuple):
    """What a plain request asks for: `key` is the digest of its caller's.

    `target` is the upstream's; `passed` and `rest` are lines for it, and who the caller is comes
    between them. `request` makes the request anew.
    """

    request: Callable[[], Request]
    key: bytes
    route: Route
    target: bytes
    passed: bytes
    rest: bytes


class Courier:
    """A shortcut: serves plain requests that are alike, one after another, never two at once."""

    __slots__ = (
        "_body",
        "_client",
        "_counters",
        "_errand",
        "_front",
        "_head",
        "_key",
        "_limits",
        "_link",
        "_next_id",
        "_now",
        "_only",
        "_origins",
        "_pool",
        "_request_id",
        "_route",
        "_subject",
        "_time",
        "_try",
    )

    _link: Link
    _now: float
    _body: bytes
    _request_id: bytes
    _counters: tuple[Counter, ...]

    def __init__(
        self, client: HttpConnection, front: Front, origins: Origins, errand: Errand
    ) -> None:
        self._client = client
        self._front = front
        self._origins = origins
        self._errand = errand
        self._time = front.gate.admission.now
        self._try = front.gate.admission.try_plain
        self._limits = front.limits
        self._next_id = front.ids.source(errand.request().fields.get(REQUEST_ID))
        self._key = errand.key
        self._route = errand.route
        # The one pool that the route leads to, if it is one.
        upstreams = errand.route.upstreams
        self._only = origins.choose(upstreams) if len(upstreams) == 1 else None
        self._subject: Subject | None = None
        self._pool: Pool | None = None
        self._head = b""

    def go(self, body: bytes) -> bytes | None:
        """Charge and send on, if leases and a connection are in hand."""
        route = self._route
        if len(body) > route.max_body:
            return None
        pool = self._only or self._origins.choose(route.upstreams)
        link = pool.take_idle()
        if link is None:
            return None
        now = self._now = self._time()
        subject = self._try(self._key, now)
        if subject is None:
            pool.keep(link)
            return None
        if subject is not self._subject or pool is not self._pool:
            self._address(pool, subject)
        self._counters = subject.counters
        self._body = body
        self._link = link
        request_id = self._request_id = self._next_id()
        pool.pending += 1
        self._client.send_errand(self)
        link.dispatch(b"%b%b\r\n\r\n%b" % (self._head, request_id, body), self, route)
        return b""

    def take(self, data: bytes) -> bool:
        """Take the first bytes of an answer; `False` if that is not all, and a relay is to take it."""
        link, pool, subject = self._link, self._pool, self._subject
        known, answer = link.known_head, link.known_answer
        if not data.startswith(known):
            known = data[: data.find(b"\r\n\r\n") + 4]
            answer = link.known_answer = read_answer(known)
            link.known_head = known if answer is not None else UNKNOWN
        size = len(known)
        if answer is None or len(data) - size != answer.length or pool is None or subject is None:
            self._client.recall()
            return False
        pool.pending -= 1
        link.settle()
        pool.keep(link)
        limits = self._limits.lines(subject, self._now)
        start = answer.limited if limits else answer.unlimited
        self._client.delivered(b"%b%b\r\n%b\r\n%b" % (start, self._request_id, limits, data[size:]))
        return True

    def recalled(self) -> Relay:
        """Return the relay that carries on."""
        errand, pool, subject = self._errand, self._pool, self._subject
        if pool is None or subject is None:
            raise RuntimeError("nobody is recalled who was not sent")
        verdict = Admitted(subject, 1, self._now)
        verdict.receipt = self._counters
        relay = Relay(self._client, errand.request(), self._front, self._origins)
        relay.take_over(
            Ask(errand.route, PLAIN_FOUND, 1, None),
            verdict,
            self._request_id,
            errand.target,
            self._body,
        )
        relay.follow(pool, self._link)
        return relay

    def lost(self) -> None:
        """Give up: the client is gone."""
        if self._pool is not None:
            self._pool.pending -= 1
        self._link.abort()

    # For the link

    def failed(self, error: GatewayError) -> None:
        """Have a relay see what can be done."""
        self._client.recall()
        self._link.fail(error)

    def request_full(self) -> None:
        """Have a relay wait for the upstream to read."""
        self._client.recall()
        self._client.hold()

    def _address(self, pool: Pool, subject: Subject) -> None:
        """Write the head for an upstream and a customer, up to the request's id."""
        errand = self._errand
        request = errand.request()
        host = request.fields[b"host"] if errand.route.preserve_host else pool.origin.authority
        self._pool, self._subject = pool, subject
        self._head = b"".join(
            (
                request.method.encode(),
                b" ",
                pool.origin.base,
                errand.target,
                b" HTTP/1.1\r\nhost: ",
                host,
                b"\r\n",
                errand.passed,
                identity(subject).lines,
                errand.rest,
                b"x-request-id: ",
            )
        )
