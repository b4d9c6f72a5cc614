"""WebSockets through the edge: once the upstream agrees, bytes are passed on as they are (RFC 6455)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.relay import Relay
from dream_gateway.http1.heads import status_line

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask
    from dream_gateway.edge.origins import Origins
    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.model import Verdict

UPGRADE = b"upgrade: websocket\r\nconnection: Upgrade\r\n"

EARLY = 64 * 1024
"""Bytes that a client may send before the upstream has agreed."""


class Tunnel(Relay):
    """A relay that becomes a tunnel if the upstream switches protocol, and is one answer if not."""

    __slots__ = ("_early", "_open")

    def __init__(
        self, client: HttpConnection, request: Request, front: Front, origins: Origins
    ) -> None:
        super().__init__(client, request, front, origins)
        # Whatever comes of it, no other request follows on this connection.
        request.keep_alive = False
        self._early = bytearray()
        self._open = False

    def tunnelled(self, data: bytes) -> None:
        """Pass bytes on, or keep them until the upstream has agreed."""
        if self._open and self._link is not None:
            self._link.write(data)
            return
        self._early += data
        if len(self._early) > EARLY:
            self._client.abort()

    def switched(self, rest: bytes) -> None:
        """Tell the client, and open the tunnel."""
        link, verdict = self._link, self._verdict
        if link is None or verdict is None:
            return
        head = status_line(link.status) + self._answer_lines(link, verdict) + UPGRADE + b"\r\n"
        self.begun = self._open = True
        self._client.write(head + rest)
        self._client.become_tunnel(self)
        if self._early:
            link.write(bytes(self._early))
            self._early.clear()

    def failed(self, error: GatewayError) -> None:
        """Close the tunnel, or answer while there is none."""
        if not self._open:
            super().failed(error)
            return
        self._done = True
        self._drop()
        self._client.close()

    def _fields(self, ask: Ask, verdict: Verdict) -> bytes:
        return super()._fields(ask, verdict) + UPGRADE
