"""`POST /api/data` at its plainest: one unit for a user, named by the holder of a secret key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.admission import Named
from dream_gateway.http1.shortcut import Patient
from dream_gateway.service.fields import LONGEST_PLAIN
from dream_gateway.service.usage_views import counted_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.admission import Admission
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.service.usage_views import CountedTemplate
    from dream_gateway.subjects import Subject

_PLAIN_BEARER = b"Bearer sk_"
_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:|@+"
_UNUSUAL = frozenset({b"idempotency-key", b"x-publishable-key", b"x-usage-cost"})
_CHARGED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nx-request-id: %b\r\n%b%b\r\n%b"
)


class Charge(Patient):
    """A shortcut: charges one unit for each request. It says byte for byte what the long way says."""

    __slots__ = ("_find", "_limits", "_named", "_next_id", "_spend", "_time")

    def __init__(
        self,
        client: HttpConnection,
        admission: Admission,
        limits: RateLimitHeaders,
        named: Named,
        next_id: Callable[[], bytes],
    ) -> None:
        super().__init__(client, admission.enqueue)
        self._limits = limits
        self._named = named
        self._next_id = next_id
        self._time = admission.now
        self._find = admission.find_named
        self._spend = admission.try_spend

    def go(self, body: bytes) -> bytes | None:
        """Charge and answer from memory, or once there are leases."""
        del body
        now = self._time()
        subject = self._find(self._named, now)
        if subject is None:
            return None
        if self._spend(subject.counters, 1):
            return self.answer(subject, now)
        return self.wait(subject, now)

    def answer(self, subject: Subject, now: float) -> bytes:
        """Tell the usage after the charge."""
        counted: CountedTemplate = subject.counted or counted_template(subject, now)
        usage = counted.render()
        limits = self._limits.lines(subject, now)
        return _CHARGED % (len(usage), self._next_id(), limits, self._client.watch.date, usage)


def plain_name(fields: dict[bytes, bytes]) -> Named | None:
    """Return whom a charge names, if nothing in it needs a closer look.

    `fields` are those of a request without a body in which no name is there twice.
    """
    value, user = fields.get(b"authorization"), fields.get(b"x-user-id")
    if value is None or not user or value[:10] != _PLAIN_BEARER or not _UNUSUAL.isdisjoint(fields):
        return None
    if len(user) > LONGEST_PLAIN or user.translate(None, _PLAIN):
        return None
    return Named(value[7:], user.decode("ascii"))
