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
from dream_gateway.http1.shortcut import Patient
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
    from dream_gateway.http.ratelimit import LiveLimits
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.subjects import Subject


_END = b"\r\n\r\n"


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


class Courier(Patient):
    """A shortcut: serves plain requests that are alike, one after another, never two at once."""

    __slots__ = (
        "_body",
        "_counters",
        "_counts",
        "_errand",
        "_front",
        "_head",
        "_limits",
        "_link",
        "_max_body",
        "_next_id",
        "_only",
        "_origins",
        "_pool",
        "_request_id",
        "_route",
        "_to",
    )

    def __init__(
        self, client: HttpConnection, front: Front, origins: Origins, errand: Errand
    ) -> None:
        admission = front.gate.admission
        super().__init__(client, admission, admission.by_key(errand.key))
        self._front = front
        self._counts = admission.counts
        self._origins = origins
        self._errand = errand
        self._limits = front.limits
        self._next_id = front.ids.source(errand.request().fields.get(REQUEST_ID))
        self._route = errand.route
        self._max_body = errand.route.max_body
        # The one pool that the route leads to, if it is one.
        upstreams = errand.route.upstreams
        self._only = origins.choose(upstreams) if len(upstreams) == 1 else None
        self._pool: Pool | None = None
        self._to: Subject | None = None
        self._head = b""
        self._link: Link | None = None
        self._counters: tuple[Counter, ...] = ()
        self._body = self._request_id = b""

    def go(self, body: bytes) -> bytes | None:
        """Charge and send on, if a connection is in hand, now or once there are leases."""
        if len(body) > self._max_body:
            return None
        # Called as locals: CPython 3.11 looks a slot up the slow way if it is called at once.
        time, monotonic, spend = self._time, self._clock, self._spend
        now, clock = time(), monotonic()
        subject = self._caller.find(now, clock)
        if subject is None:
            return None
        pool = self._only
        if pool is None:
            pool = self._origins.choose(self._route.upstreams)
        link = pool.take_idle()
        if link is None:
            return None
        self._body = body
        if not spend(subject.counters, 1, clock):
            pool.keep(link)
            self._link = None
            return self.wait(subject, now)
        self._subject, self._now = subject, now
        self._client.away = self
        self._send(pool, link, subject)
        return b""

    def charged(self) -> None:
        """Send it on after it had to wait."""
        subject = self._subject
        if subject is None:
            return
        pool = self._only or self._origins.choose(self._route.upstreams)
        link = pool.take_idle()
        if link is not None:
            self._send(pool, link, subject)
            return
        self._counters, self._request_id = subject.counters, self._next_id()
        relay = self._relay(subject)
        self._client.carry_on(relay)
        relay.go_on()

    def _send(self, pool: Pool, link: Link, subject: Subject) -> None:
        if subject is not self._to or pool is not self._pool:
            self._address(pool, subject)
        self._counters = subject.counters
        self._link = link
        next_id = self._next_id
        request_id = self._request_id = next_id()
        pool.pending += 1
        link.dispatch(b"".join((self._head, request_id, _END, self._body)), self, self._route)

    def take(self, data: bytes) -> bool:
        """Take the first bytes of an answer; `False` if that is not all, and a relay is to take it."""
        link, pool, subject = self._link, self._pool, self._subject
        if link is None or pool is None or subject is None:
            return False
        known, answer = link.known_head, link.known_answer
        size = len(known)
        if data[:size] != known:
            # Heads may differ with each answer: only those that `Pool.sample` has read are timed.
            is_sample = known is UNKNOWN
            known = data[: data.find(_END) + len(_END)]
            size = len(known)
            answer = link.known_answer = read_answer(known)
            link.known_head = known if answer is not None else UNKNOWN
            if is_sample and answer is not None and len(data) - size == answer.length:
                seconds = self._time() - self._now
                pool.health.answered(answer.status, seconds)
                self._counts.took(subject.project.id, seconds)
        if answer is None or len(data) - size != answer.length:
            self._client.recall()
            return False
        pool.pending -= 1
        pool.keep(link)
        live: LiveLimits | None = subject.limits
        if live is None:
            live = self._limits.live(subject)
        limits = live.lines(self._now)
        start = answer.limited if limits else answer.unlimited
        self._client.delivered(
            b"".join((start, self._request_id, b"\r\n", limits, b"\r\n", data[size:]))
        )
        return True

    def recalled(self) -> Relay | None:
        """Return the relay that carries on; waiting for a lease is nothing to carry on with."""
        link, pool, subject = self._link, self._pool, self._subject
        if link is None or pool is None or subject is None:
            return None
        relay = self._relay(subject)
        relay.follow(pool, link)
        return relay

    def lost(self) -> None:
        """Give up: the client is gone."""
        if self._link is None:
            super().lost()
            return
        if self._pool is not None:
            self._pool.pending -= 1
        self._link.abort()

    # For the link

    def broken(self, error: GatewayError) -> None:
        """Have a relay see what can be done."""
        self._client.recall()
        if self._link is not None:
            self._link.fail(error)

    def request_full(self) -> None:
        """Have a relay wait for the upstream to read."""
        self._client.recall()
        self._client.hold()

    def _relay(self, subject: Subject) -> Relay:
        errand = self._errand
        verdict = Admitted(subject, 1, self._now)
        verdict.receipt = self._counters
        relay = Relay(self._client, errand.request(), self._front, self._origins)
        ask = Ask(errand.route, PLAIN_FOUND, 1, None)
        relay.take_over(ask, verdict, self._request_id, errand.target, self._body)
        return relay

    def _address(self, pool: Pool, subject: Subject) -> None:
        """Write the head for an upstream and a customer, up to the request's id."""
        errand = self._errand
        request = errand.request()
        host = request.fields[b"host"] if errand.route.preserve_host else pool.origin.authority
        self._pool, self._to = pool, subject
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
