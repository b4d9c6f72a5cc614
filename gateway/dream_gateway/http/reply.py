"""An answer whose every byte is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers, Send


class Reply(NamedTuple):
    """An answer, ready to be sent."""

    status: int
    headers: Headers
    body: bytes

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it as an HTTP response; to a HEAD request without its body."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})
