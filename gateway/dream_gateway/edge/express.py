"""The edge's shortcuts: its plainest requests, answered or sent on without an exchange.

What a request line and a block of fields lead to is found once for as long as both come again on their
connection. Nothing that may change meanwhile is kept: the key is looked up, and the charge made, for
each request.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.edge import wire
from dream_gateway.edge.courier import Courier, Errand
from dream_gateway.edge.fields import VIA_LINE, passed_lines
from dream_gateway.edge.gate import PLAIN_FOUND
from dream_gateway.edge.proxy import target
from dream_gateway.errors import GatewayError
from dream_gateway.http1.request import Request

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.origins import Origins
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.shortcut import Shortcut


class Express:
    """Finds the shortcut that a plain request can take, if there is one."""

    def __init__(self, front: Front, origins: Origins) -> None:
        self._front = front
        self._origins = origins

    def shortcut(self, client: HttpConnection, line: Line, block: Block) -> Shortcut | None:
        """Return the shortcut for a line and its fields."""
        front = self._front
        key = front.gate.plain_key(block.fields)
        if key is None or front.limits.legacy or b"%" in line.target:
            return None
        again = partial(_request, client, line, block)
        request = again()
        if front.peer(request).trusted:
            return None
        if front.is_question(request):
            return front.forward_auth.shortcut(client, request, key, front.ids)
        try:
            errand = self._errand(request, key)
        except GatewayError:
            return None
        if errand is None:
            return None
        return Courier(client, front, self._origins, errand._replace(request=again))

    def _errand(self, request: Request, key: bytes) -> Errand | None:
        """Return what a request asks for. Raises the `GatewayError` that refuses it."""
        route = self._front.route(request)
        if not route.plain:
            return None
        passed = passed_lines(request, None if route.keep_credential else PLAIN_FOUND)
        rest = self._front.gate.forwarding.of(request, trusted=False).lines + VIA_LINE
        if b"content-length" in request.fields:
            rest += wire.content_length(request.length or 0)
        where = target(request, route, PLAIN_FOUND, None)
        wire.request_lines(b"GET", where, b"a", passed + rest, b"")
        return Errand(lambda: request, key, route, where, passed, rest)


def _request(client: HttpConnection, line: Line, block: Block) -> Request:
    return Request(
        line.method.decode("ascii"),
        line.target,
        list(block.headers),
        "1.1",
        client=client.client,
        scheme=client.scheme,
    )
