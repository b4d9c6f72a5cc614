"""`POST /api/data` at its plainest: one unit for a user, named by the holder of a secret key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http1.shortcut import Patient
from dream_gateway.service.fields import LONGEST_PLAIN
from dream_gateway.service.usage_views import counted_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.admission import Admission
    from dream_gateway.callers import Caller
    from dream_gateway.http.ratelimit import LiveLimits, RateLimitHeaders
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.service.usage_views import CountedTemplate
    from dream_gateway.subjects import Subject

_PLAIN_BEARER = b"Bearer sk_"
_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:|@+"
_UNUSUAL = frozenset({b"idempotency-key", b"x-publishable-key", b"x-usage-cost"})
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
    b"referrer-policy: no-referrer\r\ncache-control: no-store\r\nx-request-id: "
)


class Charge(Patient):
    """A shortcut: charges one unit for each request. It says byte for byte what the long way says."""

    __slots__ = ("_limits", "_next_id")

    def __init__(
        self,
        client: HttpConnection,
        admission: Admission,
        caller: Caller,
        limits: RateLimitHeaders,
        next_id: Callable[[], bytes],
    ) -> None:
        super().__init__(client, admission, caller)
        self._limits = limits
        self._next_id = next_id

    def answer(self, subject: Subject, now: float) -> bytes:
        """Tell the usage after the charge."""
        counted: CountedTemplate = subject.counted or counted_template(subject, now)
        usage = counted.render()
        limits: LiveLimits = subject.limits or self._limits.live(subject)
        return b"".join(
            (
                _HEAD % len(usage),
                self._next_id(),
                b"\r\n",
                limits.lines(now),
                self._client.watch.date,
                b"\r\n",
                usage,
            )
        )


def plain_name(fields: dict[bytes, bytes]) -> tuple[bytes, str] | None:
    """Return the key and the user of a charge, if nothing in it needs a closer look.

    `fields` are those of a request without a body in which no name is there twice.
    """
    value, user = fields.get(b"authorization"), fields.get(b"x-user-id")
    if value is None or not user or value[:10] != _PLAIN_BEARER or not _UNUSUAL.isdisjoint(fields):
        return None
    if len(user) > LONGEST_PLAIN or user.translate(None, _PLAIN):
        return None
    return value[7:], user.decode("ascii")
