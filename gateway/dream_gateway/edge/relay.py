"""One request on its way from a client connection to an upstream and back, without a task.

Everything happens in callbacks of the two transports: pieces are passed on as they come, and whichever
side cannot take them stops the other from being read, so a connection holds little in memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.edge import wire
from dream_gateway.edge.fields import downstream_lines, identity_of, upstream_lines
from dream_gateway.edge.gate import PLAIN_FOUND, Ask, DeniedError, error_of
from dream_gateway.edge.link import StaleConnectionError
from dream_gateway.edge.origins import IDEMPOTENT
from dream_gateway.edge.proxy import target
from dream_gateway.errors import BodyTooLargeError, GatewayError, UpstreamError
from dream_gateway.http1.access import Charge
from dream_gateway.http1.exchange import answer, connection_field
from dream_gateway.http1.heads import CHUNKED, CONTINUE, LAST_CHUNK, chunk, status_line
from dream_gateway.verdicts import Admitted

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dream_gateway.edge.front import Front
    from dream_gateway.edge.link import Link
    from dream_gateway.edge.origins import Origins
    from dream_gateway.edge.pool import Pool
    from dream_gateway.http.peers import Peer
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.model import Verdict

HIGH_WATER = 64 * 1024
"""Bytes of a request's body kept here while there is no connection to send them on."""


class Relay:
    """An exchange of the edge, and the receiver of the upstream's answer to it."""

    __slots__ = (
        "_ask",
        "_attempts",
        "_buffered",
        "_chunks",
        "_client",
        "_done",
        "_encoded",
        "_front",
        "_head",
        "_left",
        "_link",
        "_origins",
        "_out",
        "_paused",
        "_peer",
        "_pieces",
        "_pool",
        "_refunded",
        "_request_id",
        "_target",
        "_task",
        "_took",
        "_tried",
        "_verdict",
        "begun",
        "request",
        "whole",
    )

    def __init__(
        self, client: HttpConnection, request: Request, front: Front, origins: Origins
    ) -> None:
        self._client = client
        self._front = front
        self._origins = origins
        self.request = request
        self.whole = request.length == 0
        self._request_id = b""
        self._ask: Ask | None = None
        self._peer: Peer | None = None
        self._verdict: Verdict | None = None
        self._took: float | None = None
        self._link: Link | None = None
        self._pool: Pool | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried: list[Pool] = []
        self._attempts = 0
        self._head = b""
        self._target = b""
        self._pieces: list[bytes] = []
        self._buffered = self._left = 0
        self._encoded = request.length is None
        self._out: list[bytes] = []
        self.begun = self._chunks = self._done = self._refunded = self._paused = False

    # The client's side

    def start(self) -> None:
        """Admit from memory, and send on; ask the store only if memory cannot say."""
        front, request = self._front, self.request
        self._request_id = front.request_id(request)
        try:
            peer = self._peer = front.peer(request)
            route = front.route(request)
            single = len(request.fields) == len(request.headers)
            if route.plain and single and not self._buffered and request.length == 0:
                self._target = target(request, route, PLAIN_FOUND, None)
                digest = front.gate.plain_key(request.fields)
                admission = front.gate.admission
                now, clock = admission.now(), admission.monotonic()
                subject = None if digest is None else admission.by_key(digest).find(now, clock)
                if subject is not None and admission.try_spend(subject.counters, 1, clock):
                    ask = self._ask = Ask(route, PLAIN_FOUND, 1, None)
                    self._admitted(ask, Admitted(subject, 1, now))
                    return
            ask = self._ask = front.gate.ask(route, request, peer.address)
            self._check_length(ask)
            self._target = target(request, ask.route, ask.found, front.gate.parameter)
            verdict = front.gate.try_admit(ask)
            if verdict is None:
                self._run(self._admit(ask))
            else:
                self._admitted(ask, verdict)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the transport
            self._fail(exc)

    def take_over(
        self, ask: Ask, verdict: Verdict, request_id: bytes, where: bytes, body: bytes
    ) -> None:
        """Carry on with a request that was admitted, and that is all there."""
        self._ask, self._verdict, self._request_id = ask, verdict, request_id
        self._target = where
        self._peer = self._front.peer(self.request)
        self._head = self._fields(ask, verdict)
        self._attempts = ask.route.retries
        self._pieces = [body] if body else []
        self.whole = True

    def go_on(self) -> None:
        """Find a connection to send it on by."""
        try:
            self._send()
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the transport
            self._fail(exc)

    def follow(self, pool: Pool, link: Link) -> None:
        """Wait for the answer on a connection over which all of the request was sent."""
        self._pool, self._link = pool, link
        link.hand_over(self)

    def _check_length(self, ask: Ask) -> None:
        self._left = ask.route.max_body - self._buffered
        if self._left < 0 or (self.request.length or 0) > ask.route.max_body:
            raise BodyTooLargeError

    def body(self, data: bytes) -> None:
        """Send a piece of the body on, or keep it until it can be."""
        if self._done:
            return
        if self._ask is not None:
            self._left -= len(data)
            if self._left < 0:
                self._fail(BodyTooLargeError())
                return
        if self._link is not None:
            self._link.write(chunk(data) if self._encoded else data)
            return
        self._pieces.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER:
            self._client.hold()

    def body_end(self) -> None:
        """Take note that the body is complete."""
        self.whole = True
        if self._link is not None and self._encoded and not self._done:
            self._link.write(LAST_CHUNK)

    def pause(self) -> None:
        """Hold the upstream back: the client is slow."""
        self._paused = True
        if self._link is not None:
            self._link.hold()

    def resume(self) -> None:
        """Let the upstream on."""
        self._paused = False
        if self._link is not None:
            self._link.release()

    def lost(self) -> None:
        """Give up: the client is gone."""
        self._done = True
        if self._task is not None:
            self._task.cancel()
        self._drop()

    def tunnelled(self, data: bytes) -> None:
        """Drop what follows an upgrade: `Tunnel` is what takes it."""

    def charge(self) -> Charge:
        """Return whom the request was charged to, and how long the upstream took to begin."""
        return Charge(self._verdict, self._took, self._request_id)

    # Admission

    async def _admit(self, ask: Ask) -> None:
        verdict = await self._front.gate.admit(ask)
        if not self._done:
            self._admitted(ask, verdict)

    def _admitted(self, ask: Ask, verdict: Verdict) -> None:
        self._verdict = verdict
        self._attempts = ask.route.retries + 1
        self._head = self._fields(ask, verdict)
        if self.request.expects and not self.whole and not self._pieces:
            self._client.write(CONTINUE)
        self._send()

    def _fields(self, ask: Ask, verdict: Verdict) -> bytes:
        trusted = self._peer is not None and self._peer.trusted
        return upstream_lines(
            self.request,
            None if ask.route.keep_credential else ask.found,
            identity_of(verdict),
            self._request_id,
            self._front.gate.forwarding.of(self.request, trusted=trusted),
        )

    def _answer_lines(self, link: Link, verdict: Verdict) -> bytes:
        limits = self._front.limits.lines_of(verdict)
        return downstream_lines(link.status, link.headers, self._request_id, limits)

    def _run(self, work: Coroutine[object, object, None]) -> None:
        """Do what has to wait in a task; its failure is this request's."""
        task = self._task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._waited)

    def _waited(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
        if not task.cancelled() and task.exception() is not None and not self._done:
            cause = task.exception()
            self._fail(cause if isinstance(cause, Exception) else GatewayError())

    # The upstream's side

    def _send(self) -> None:
        """Begin on an idle connection if there is one; a retry always takes a fresh one."""
        ask = self._ask
        if ask is None:
            raise RuntimeError("a request is sent on after it was admitted")
        self._attempts -= 1
        pool = self._pool = self._origins.choose(ask.route.upstreams, self._tried)
        link = None if self._tried else pool.take_idle()
        pool.pending += 1
        if link is None:
            self._run(self._connect(pool, ask))
        else:
            self._begin(pool, link, ask)

    async def _connect(self, pool: Pool, ask: Ask) -> None:
        try:
            link = await pool.connect(ask.route.connect_timeout)
        except GatewayError:
            pool.pending -= 1
            self._pool = None
            self._tried.append(pool)
            if self._attempts <= 0 or len(self._tried) >= len(ask.route.upstreams):
                raise
            self._send()
            return
        except BaseException:
            pool.pending -= 1
            self._pool = None
            raise
        if self._done:
            pool.pending -= 1
            link.abort()
        else:
            self._begin(pool, link, ask)

    def _begin(self, pool: Pool, link: Link, ask: Ask) -> None:
        self._link = link
        request, route = self.request, ask.route
        framing, pieces = b"", self._pieces
        if self._encoded:
            framing = CHUNKED
            pieces = [chunk(piece) for piece in pieces]
            if self.whole:
                pieces.append(LAST_CHUNK)
        elif request.length or b"content-length" in request.fields:
            framing = wire.content_length(request.length or 0)
        host = request.fields.get(b"host") if route.preserve_host else None
        try:
            head = wire.request_lines(
                request.method.encode("ascii"),
                pool.origin.base + self._target,
                host or pool.origin.authority,
                self._head,
                framing,
            )
        except GatewayError:
            self._give_back()
            raise
        if not self.whole:
            self._attempts = 0  # What is sent piece by piece cannot be sent again.
            self._pieces = []
        link.begin(request.method, b"".join([head, *pieces]) if pieces else head, self, route)
        if self._paused:
            link.hold()
        if self._client.held and not link.full:
            self._client.release()

    def head(self) -> None:
        """Write the answer's head; its first bytes of body go along."""
        link, verdict = self._link, self._verdict
        if link is None or verdict is None:
            return
        if link.status >= 500:
            self._refund()
        seconds = self._took = self._front.gate.took(verdict)
        if seconds is not None and self._pool is not None:
            self._pool.health.answered(link.status, seconds)
        request = self.request
        fields = self._answer_lines(link, verdict)
        keep = self._client.keeps(self)
        has_body = request.method != "HEAD" and link.status not in {204, 304}
        lines = b""
        if has_body and not link.length_known:
            if request.version == "1.1":
                self._chunks = True
                lines = CHUNKED
            else:
                keep = False
        if not keep:
            self.request.keep_alive = False
        self.begun = True
        ends = connection_field(request, keep)
        self._out.append(b"".join((status_line(link.status), fields, lines, ends, b"\r\n")))

    def data(self, data: bytes) -> None:
        """Pass a piece of the answer on."""
        self._out.append(chunk(data) if self._chunks else data)

    def flush(self) -> None:
        """Write what came in one piece in one piece."""
        out = self._out
        if out:
            self._client.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()

    def end(self) -> None:
        """End the answer and give the connection back."""
        if self._chunks:
            self._out.append(LAST_CHUNK)
        self.flush()
        self._done = True
        keep = self._client.can_keep(self)
        status = 0 if self._link is None else self._link.status
        self._give_back()
        self._client.finish(self, status, keep=keep)

    def failed(self, error: GatewayError) -> None:
        """Try again if that is safe, or say what went wrong while that can be said."""
        ask = self._ask
        self._drop()
        if self._pool is not None and not isinstance(error, StaleConnectionError):
            self._pool.health.failures += 1
        if self.begun:
            self._fail(error)
            return
        if isinstance(error, StaleConnectionError):
            again = self._attempts > 0 and self.whole and self.request.method in IDEMPOTENT
            if again and ask is not None:
                if self._pool is not None:
                    self._tried.append(self._pool)
                self._send()
                return
            error = UpstreamError(error.detail)
        self._fail(error)

    def request_full(self) -> None:
        """Hold the client back: the upstream is slow."""
        self._client.hold()

    def request_drained(self) -> None:
        """Let the client on."""
        self._client.release()

    def switched(self, rest: bytes) -> None:
        """Refuse what was not asked for."""
        del rest
        self.failed(UpstreamError("The API behind the gateway changed protocol unasked."))

    # Ends

    def _fail(self, cause: Exception) -> None:
        """Answer with what went wrong; if the answer has begun, it can only be cut short."""
        self._refund()
        if isinstance(cause, DeniedError):
            self._verdict = cause.verdict
        self._done = True
        self._drop()
        if self.begun:
            self.flush()
            self._client.cut_short(error_of(cause))
            return
        reply = self._front.problem(cause, self.request, self._request_id)
        answer(self._client, self, reply, ends=not self.whole)

    def _refund(self) -> None:
        if self._ask is not None and self._verdict is not None and not self._refunded:
            self._refunded = True
            self._front.gate.refund(self._ask, self._verdict)

    def _give_back(self) -> None:
        pool, link = self._pool, self._link
        self._link = None
        if pool is not None and link is not None:
            pool.pending -= 1
            if not self.whole:
                # The answer came before all of the question: what is left cannot be taken back.
                link.keep_alive = False
            pool.give_back(link)

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            if self._pool is not None:
                self._pool.pending -= 1
            link.abort()
