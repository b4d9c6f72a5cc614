"""Answers: a shape as JSON, with the fields every answer of the service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dream_gateway.http.reply import Reply

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

JSON = (b"content-type", b"application/json")
NOSNIFF = (b"x-content-type-options", b"nosniff")
SAFETY: Headers = [
    NOSNIFF,
    # Nothing in an answer is to be shown, framed or run by a browser.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
"""The fields with which every answer keeps browsers from making more of it than it is."""

NO_STORE = (b"cache-control", b"no-store")
"""Answers hold keys and personal data: nobody on the way may keep them."""

NO_CONTENT = 204


class Answer:
    """What a handler returns: a value to be written as JSON, or `None` for no content.

    `status` and `headers` are for what differs from the operation's own. `kept` is what a repeat of
    the request gets, where that is not the same value.
    """

    __slots__ = ("headers", "kept", "status", "value")

    def __init__(
        self,
        value: msgspec.Struct | msgspec.Raw | None,
        *,
        status: int = 0,
        headers: Headers | None = None,
        kept: msgspec.Struct | None = None,
    ) -> None:
        self.value = value
        self.kept = kept
        self.status = status
        self.headers: Headers = headers if headers is not None else []


def json_reply(answer: Answer, status: int, request_id: bytes) -> Reply:
    """Return an answer as JSON; `status` is for an answer without one of its own."""
    if answer.value is None:
        headers = [*SAFETY, NO_STORE, (b"x-request-id", request_id), *answer.headers]
        return Reply(answer.status or NO_CONTENT, headers, b"")
    body = msgspec.json.encode(answer.value)
    headers = [
        JSON,
        (b"content-length", b"%d" % len(body)),
        *SAFETY,
        NO_STORE,
        (b"x-request-id", request_id),
        *answer.headers,
    ]
    return Reply(answer.status or status, headers, body)


def problem_reply(problem: Reply, extra: Headers) -> Reply:
    """Return a problem as an answer of the service."""
    return Reply(problem.status, [*problem.headers, *SAFETY, *extra], problem.body)
