"""TLS below a connection: the handshake before its first request, and the goodbye after its last.

A listener that speaks TLS makes these in the place of its connections; each makes its connection once
the handshake is over. From then on that writes to a transport of the event loop's own, and reads by way
of `Deciphered`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from dream_gateway.errors import BadRequestError
from dream_gateway.http.problem import problem
from dream_gateway.http1.heads import CLOSE, response_head
from dream_gateway.http1.watch import NO_LIMIT

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from dream_gateway.http1.connection import HttpConnection, ServerState
    from dream_gateway.http1.watch import Watch

HANDSHAKE = 0x16
"""The first byte of whoever speaks TLS: the content type of a record (RFC 8446 5.1)."""

HIGH_WATER = 64 * 1024
"""Bytes of an answer that wait for the client until writing is paused: as many as without TLS."""

GOODBYE_SECONDS = 1.0
"""How long a client that sends nothing may take to answer a `close_notify` (RFC 8446 6.1)."""

BUFFER = 256 * 1024
"""Bytes that are read at a time: as many as event loops keep of what is not deciphered yet."""

LAST_WORDS_SECONDS = 0.1
"""How long a request may be under way to us after a handshake that a drain came into."""

_logger = logging.getLogger(__name__)


class SecuredProtocols:
    """Makes the protocols of a listener that speaks TLS, as `protocols` does of one that does not."""

    def __init__(
        self, protocols: Callable[..., HttpConnection], context: ssl.SSLContext, watch: Watch
    ) -> None:
        self.protocols = protocols
        self.context = context
        self.watch = watch
        self.buffer = memoryview(bytearray(BUFFER))

    def __call__(
        self,
        config: object,
        server_state: ServerState,
        app_state: object,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Secured:
        """Return what shakes hands on a new connection."""
        return Secured(self, server_state, (config, server_state, app_state, _loop))

    def connection(self, arguments: tuple[object, ...]) -> HttpConnection:
        """Return what is spoken within."""
        return self.protocols(*arguments)


class Secured(asyncio.Protocol):
    """The TLS of one connection."""

    __slots__ = (
        "_arguments",
        "_connection",
        "_draining",
        "_early",
        "_limit",
        "_listener",
        "_peer",
        "_raw",
        "_refused",
        "_since",
        "_state",
        "_task",
        "_tls",
    )

    def __init__(
        self, listener: SecuredProtocols, state: ServerState, arguments: tuple[object, ...]
    ) -> None:
        self._listener = listener
        self._state = state
        self._arguments = arguments
        self._connection: HttpConnection | None = None
        self._tls: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        self._refused = self._draining = False
        self._limit, self._since = NO_LIMIT, 0.0

    # For the watch

    def look(self, now: float) -> None:
        """Break off if the client is too late: with the handshake, or to go when all is said."""
        raw, connection = self._raw, self._connection
        if raw.is_closing():
            self._listener.watch.discard(self)
        elif connection is None or self._tls is None:
            if now - self._since > self._limit:
                self._give_up()
        elif not self._tls.is_closing() or raw.get_write_buffer_size():
            self._since = now
        elif now - self._since > (
            self._listener.watch.patience.linger if connection.hears else GOODBYE_SECONDS
        ):
            raw.abort()

    def divert(self) -> None:
        """Have the next request served by an exchange."""
        if self._connection is not None:
            self._connection.divert()

    def retire(self) -> None:
        """Nothing: the connection is told, or is yet to be made."""

    # For uvicorn

    def shutdown(self) -> None:
        """Let the handshake come to its end, if it soon does, and one request after it."""
        self._draining = True
        self._expect(min(self._limit, self._listener.watch.patience.linger))

    # Transport callbacks, until the handshake is over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client's first byte."""
        self._raw = cast("asyncio.Transport", transport)
        self._peer = transport.get_extra_info("peername")  # of a closed one uvloop raises
        self._state.connections.add(self)
        self._listener.watch.add(self)
        self._expect(self._listener.watch.patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        del exc
        self._state.connections.discard(self)
        self._listener.watch.discard(self)

    def data_received(self, data: bytes) -> None:
        """Begin the handshake, or tell a client that speaks no TLS; keep what comes right after."""
        if self._refused:
            return
        if self._task is not None:
            self._early.append(data)
        elif data[0] == HANDSHAKE:
            self._raw.pause_reading()
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._shake_hands())
            # Its first step has the transport say hello, and read on, in the round after it.
            loop.call_soon(loop.call_soon, self._feed, data)
        else:
            self._refuse(data)

    # Inside

    async def _shake_hands(self) -> None:
        listener, raw = self._listener, self._raw
        patience = listener.watch.patience
        try:
            tls = await asyncio.get_running_loop().start_tls(
                raw,
                self,
                listener.context,
                server_side=True,
                ssl_handshake_timeout=patience.head,
                # All that is left to be written must be, so it is as patient as for an answer.
                ssl_shutdown_timeout=patience.write,
            )
        except OSError as error:
            _logger.debug("No TLS with %s: %s", self._peer, error)
            raw.abort()
        else:
            if tls is not None and not raw.is_closing():
                self._begin(tls)
        finally:
            self._state.connections.discard(self)

    def _feed(self, data: bytes) -> None:
        """Have TLS read what was read of it already."""
        if not self._raw.is_closing():
            protocol = cast("asyncio.BufferedProtocol", self._raw.get_protocol())
            buffer = cast("memoryview", protocol.get_buffer(len(data)))
            buffer[: len(data)] = data
            protocol.buffer_updated(len(data))

    def _begin(self, tls: asyncio.Transport) -> None:
        """Make the connection, and give it what the client has said already."""
        self._tls = tls
        tls.set_write_buffer_limits(high=HIGH_WATER)
        connection = self._connection = self._listener.connection(self._arguments)
        tls.set_protocol(Deciphered(connection, self._listener.buffer))
        connection.connection_made(tls)
        if self._draining:
            asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, connection.shutdown)
        early, self._early = self._early, []
        for data in early:
            connection.data_received(data)

    def _refuse(self, data: bytes) -> None:
        """Say that this is TLS to whoever seems to speak HTTP, and to nobody else."""
        if not data[:1].isalpha():
            self._raw.close()
            return
        self._refused = True
        reply = problem(BadRequestError("This port speaks TLS: its URLs begin with https://."))
        head = response_head(reply.status, reply.headers, self._listener.watch.date + CLOSE)
        self._raw.write(head + reply.body)
        self._raw.write_eof()
        self._expect(self._listener.watch.patience.linger)

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._raw.abort()

    def _expect(self, seconds: float) -> None:
        self._limit = seconds
        self._since = self._listener.watch.now


class Deciphered(asyncio.BufferedProtocol):
    """Hands what a client said within TLS to its connection.

    It is read into one buffer for all, and copied from there at once: event loops would make one of
    that size for each reading, which can cost ten times what deciphering a request does.
    """

    __slots__ = ("_buffer", "_connection")

    def __init__(self, connection: HttpConnection, buffer: memoryview) -> None:
        self._connection = connection
        self._buffer = buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read to."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand on what was read."""
        self._connection.data_received(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        """Hand on that the client has said all."""
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        """Hand on that the client does not read."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that it does again."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on that it is gone."""
        self._connection.connection_lost(exc)
