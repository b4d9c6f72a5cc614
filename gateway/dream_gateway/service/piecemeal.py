"""What an ASGI application sends, written to a connection: as it comes, if it comes in pieces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError
from dream_gateway.http.reply import Reply
from dream_gateway.http1.exchange import answer, connection_field
from dream_gateway.http1.heads import CHUNKED, LAST_CHUNK, chunk, response_head

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Message
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.exchange import Exchange

LENGTH = b"content-length"


class Piecemeal:
    """One answer. What is whole with its first message is written in one piece, once it is ended.

    Of any other, `send` returns once the client takes more, so that little of it is ever here.
    """

    def __init__(self, client: HttpConnection, exchange: Exchange) -> None:
        self._client = client
        self._exchange = exchange
        self._head: Message = {}
        self._body = b""
        self._keep = self._chunks = self.is_cut = False
        self._free = asyncio.Event()
        self._free.set()

    @property
    def reply(self) -> Reply:
        """The answer that was given; without its body if that went out in pieces."""
        return Reply(self._head["status"], self._head["headers"], self._body)

    def pause(self) -> None:
        """Write nothing more for now."""
        self._free.clear()

    def resume(self) -> None:
        """Go on writing."""
        self._free.set()

    async def send(self, message: Message) -> None:
        """Take a message of the application's."""
        exchange, data = self._exchange, message.get("body", b"")
        if message["type"] == "http.response.start":
            self._start(message)
        elif self.is_cut:
            return
        elif not (exchange.begun or message.get("more_body", False)):
            self._body = data
        else:
            if not exchange.begun:
                self._begin()
            if exchange.request.method != "HEAD":
                self._client.write(chunk(data) if self._chunks else data)
            await self._free.wait()

    def end(self) -> None:
        """End the answer: all of it was sent."""
        exchange, status = self._exchange, self._head["status"]
        if self.is_cut:
            return
        if not exchange.begun:
            answer(self._client, exchange, self.reply)
            return
        if self._chunks and exchange.request.method != "HEAD":
            self._client.write(LAST_CHUNK)
        self._client.finish(exchange, status, keep=self._keep)

    def _start(self, message: Message) -> None:
        """Take a head. A second one tells of a failure, and nobody must take the first for whole."""
        if self._exchange.begun:
            self.is_cut = True
            self._client.cut_short(GatewayError())
        else:
            self._head = message

    def _begin(self) -> None:
        """Write the head of a body whose length nobody knows (RFC 9112 6.3)."""
        exchange, client = self._exchange, self._client
        exchange.begun = True
        self._chunks = exchange.request.version == "1.1"
        self._keep = self._chunks and client.keeps(exchange)
        lines = client.date + connection_field(exchange.request, self._keep)
        lines += CHUNKED if self._chunks else b""
        # Both a length and chunks would be read in two ways (RFC 9112 6.2).
        headers = [field for field in self._head["headers"] if field[0].lower() != LENGTH]
        client.write(response_head(self._head["status"], headers, lines))
