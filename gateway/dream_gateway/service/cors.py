"""Which web pages may read an answer: those of the origins on the project's list (WHATWG Fetch, CORS).

Only publishable keys are for browsers. A request with any other credential gets no such field, and
no answer says that it may be asked for with cookies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http.reply import Reply
from dream_gateway.records import projects
from dream_gateway.service.authentication import Auth
from dream_gateway.service.reply import SAFETY

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory
    from dream_gateway.service.operation import Operation

FOR_BROWSERS = frozenset({Auth.PUBLISHABLE, Auth.USER})
REQUEST_FIELDS = (
    b"authorization, content-type, idempotency-key, if-match, x-clerk-token, x-publishable-key, "
    b"x-request-id, x-usage-cost"
)
ANSWER_FIELDS = (
    b"etag, idempotency-replayed, ratelimit, ratelimit-policy, retry-after, x-request-id"
)
REMEMBERED_SECONDS = b"600"


class Cors:
    """Adds the fields that let a page read an answer, and answers what browsers ask beforehand."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def allow(self, call: Call, reply: Reply) -> Reply:
        """Return an answer with the fields that let the page read it, if it may."""
        origin = call.fields.get(b"origin")
        if origin is None or call.origins is None:
            return reply
        headers: Headers = [*reply.headers, (b"vary", b"origin")]
        if origin.decode("latin-1") in call.origins:
            headers.append((b"access-control-allow-origin", origin))
            headers.append((b"access-control-expose-headers", ANSWER_FIELDS))
        return Reply(reply.status, headers, reply.body)

    async def preflight(self, inbound: Inbound, methods: dict[str, Operation]) -> Reply | None:
        """Answer whether a page may ask at all; `None` if it may not.

        The key is not in the question, so any project's list will do: what the key's own project
        allows is told with the answer.
        """
        origin = inbound.fields.get(b"origin")
        wanted = inbound.fields.get(b"access-control-request-method", b"").decode("latin-1")
        operation = methods.get(wanted)
        if origin is None or operation is None or operation.auth.isdisjoint(FOR_BROWSERS):
            return None
        async with self._directory.read() as reading:
            if not await projects.allows_origin(reading.connection, origin.decode("latin-1")):
                return None
        headers: Headers = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", wanted.encode()),
            (b"access-control-allow-headers", REQUEST_FIELDS),
            (b"access-control-max-age", REMEMBERED_SECONDS),
            (b"vary", b"origin, access-control-request-method, access-control-request-headers"),
            (b"cache-control", b"no-store"),
            *SAFETY,
        ]
        return Reply(204, headers, b"")
