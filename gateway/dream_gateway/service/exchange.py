"""One call of the service as an exchange: read whole, answered on the spot or in a task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import BodyTooLargeError
from dream_gateway.http1.exchange import Brief, answer
from dream_gateway.http1.heads import CONTINUE
from dream_gateway.service.piecemeal import Piecemeal

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Message, Scope
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.service.app import Service


class ServiceCall(Brief):
    """One call: its body is collected. Only what sites send in pieces is answered in several."""

    __slots__ = ("_body", "_length", "_paused", "_service", "_started", "_task", "_written")

    def __init__(self, client: HttpConnection, request: Request, service: Service) -> None:
        super().__init__(client, request)
        # Whatever it asks for, no other protocol is spoken here.
        request.upgrade = b""
        self._service = service
        self._body: list[bytes] = []
        self._length = request.length or 0
        self._started = False
        self._task: asyncio.Task[None] | None = None
        self._written: Piecemeal | None = None
        self._paused = False

    def start(self) -> None:
        """Answer, once the body is in."""
        self._started = True
        if self._length > self._service.max_body:
            self._refuse()
        elif self.whole:
            self._answer()
        elif self.request.expects and not self._body:
            self.client.write(CONTINUE)

    def body(self, data: bytes) -> None:
        """Keep a piece, unless there is too much of them."""
        if self._length <= self._service.max_body:
            self._body.append(data)
            if self.request.length is None:
                self._length += len(data)
            if self._length > self._service.max_body:
                self._body.clear()
                if self._started:
                    self._refuse()

    def body_end(self) -> None:
        """Answer, if it is this call's turn."""
        self.whole = True
        if self._started and self._length <= self._service.max_body:
            self._answer()

    def pause(self) -> None:
        """Write nothing more for now."""
        self._paused = True
        if self._written is not None:
            self._written.pause()

    def resume(self) -> None:
        """Go on writing."""
        self._paused = False
        if self._written is not None:
            self._written.resume()

    def lost(self) -> None:
        """Give up."""
        if self._task is not None:
            self._task.cancel()

    def _refuse(self) -> None:
        limit = self._service.max_body
        error = BodyTooLargeError(f"The body may have {limit} bytes.")
        reply = self._service.problem(error, self.request)
        self._tell(reply, ends=not self.whole)

    def _tell(self, reply: Reply, *, ends: bool = False) -> None:
        answer(self.client, self, reply, ends=ends)

    def _answer(self) -> None:
        body = b"".join(self._body)
        reply = self._service.try_respond(self.request, body)
        if reply is not None:
            self._tell(reply)
        else:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._respond(body))

    async def _respond(self, body: bytes) -> None:
        asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return asked.pop() if asked else {"type": "http.disconnect"}

        reply = await self._service.respond(self.request, receive)
        if reply is not None:
            self._tell(reply)
            return
        self._written = written = Piecemeal(self.client, self)
        if self._paused:
            written.pause()
        await self._service(_scope(self.request), receive, written.send)
        written.end()


def _scope(request: Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.version,
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": None if request.client is None else (request.client, 0),
        "server": None,
        "state": {},
    }
