"""Questions of forward-auth's, as exchanges: answered from memory, or in a task that asks a store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.edge.gate import DeniedError, error_of
from dream_gateway.http1.access import Charge
from dream_gateway.http1.exchange import Brief, answer

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.model import Verdict


class Question(Brief):
    """A question of forward-auth's: see `dream_gateway.edge.forward_auth`."""

    __slots__ = ("_front", "_request_id", "_task", "_verdict")

    def __init__(self, client: HttpConnection, request: Request, front: Front) -> None:
        super().__init__(client, request)
        self._verdict: Verdict | None = None
        self._front = front
        self._task: asyncio.Task[None] | None = None
        self._request_id = b""

    def start(self) -> None:
        """Answer from memory, and ask the store only if memory cannot say."""
        front, request = self._front, self.request
        self._request_id = front.request_id(request)
        try:
            ask = front.forward_auth.ask(request, front.peer(request).address)
            verdict = front.gate.try_admit(ask)
            if verdict is None:
                self._task = asyncio.get_running_loop().create_task(self._admit(ask))
                return
            self._verdict = verdict
            self._tell(front.forward_auth.admitted(verdict, self._request_id), verdict.code)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the transport
            self._refuse(exc)

    async def _admit(self, ask: Ask) -> None:
        front = self._front
        try:
            verdict = self._verdict = await front.gate.admit(ask)
            self._tell(front.forward_auth.admitted(verdict, self._request_id), verdict.code)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the event loop
            self._refuse(exc)

    def _refuse(self, cause: Exception) -> None:
        if isinstance(cause, DeniedError):
            self._verdict = cause.verdict
        reply = self._front.problem(cause, self.request, self._request_id)
        self._tell(reply, error_of(cause).code)

    def _tell(self, reply: Reply, code: str) -> None:
        """Answer; `code` is what was said of the request."""
        del code
        answer(self.client, self, reply, ends=not self.whole)

    def charge(self) -> Charge:
        """Return whom the question was charged to."""
        return Charge(self._verdict, None, self._request_id)

    def lost(self) -> None:
        """Give up."""
        if self._task is not None:
            self._task.cancel()
