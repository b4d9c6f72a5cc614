"""One request as its handler sees it. Any header bytes will do: reading them never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.errors import BadRequestError, BodyTooLargeError, InvalidRequestError
from dream_gateway.model import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.http.asgi import Receive
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.service.authentication import Caller
    from dream_gateway.service.directory import Writing

_SINGLE = (
    b"authorization",
    b"idempotency-key",
    b"if-match",
    b"origin",
    b"x-clerk-token",
    b"x-platform-id",
    b"x-project-id",
    b"x-publishable-key",
    b"x-usage-cost",
    b"x-user-id",
    b"x-user-plan",
)
"""Fields that mean one thing: of two, nobody could tell which was meant."""


class Call:
    """A request. `caller`, `body` and `query` are set before the handler sees it.

    `transaction` is open for an operation that creates; `elsewhere` is what was made around it.
    `origins` are the web origins that may read the answer, `None` unless a publishable key asks.
    """

    __slots__ = (
        "_receive",
        "body",
        "caller",
        "elsewhere",
        "fields",
        "inbound",
        "origins",
        "parameters",
        "query",
        "request_id",
        "transaction",
    )

    def __init__(
        self, inbound: Inbound, receive: Receive, request_id: bytes, parameters: Mapping[str, str]
    ) -> None:
        self.inbound = inbound
        self._receive = receive
        self.request_id = request_id
        self.parameters = parameters
        self.fields = inbound.fields
        self.caller: Caller | None = None
        self.body: Any = None
        self.query: Any = None
        self.transaction: Writing | None = None
        self.elsewhere: Any = None
        self.origins: tuple[str, ...] | None = None

    @property
    def known(self) -> Caller:
        """The caller, in an operation that has one."""
        if self.caller is None:
            raise RuntimeError("this operation lets anybody in")
        return self.caller

    @property
    def actor(self) -> Actor:
        """Who asks, for the audit log."""
        return Actor(self.known.actor, self.request_id.decode("ascii", "replace"))

    @property
    def writing(self) -> Writing:
        """The open transaction of an operation that creates."""
        if self.transaction is None:
            raise RuntimeError("this operation creates nothing")
        return self.transaction

    def check_fields(self) -> None:
        """Raise `BadRequestError` if a field that means one thing is there twice."""
        headers = self.inbound.headers
        if len(self.fields) == len(headers):
            return
        names = [name for name, _ in headers]
        for name in _SINGLE:
            if names.count(name) > 1:
                raise BadRequestError(f"The request has two {_spelt(name)} fields.")

    def text(self, name: bytes) -> str | None:
        """Return a field's text (UTF-8, else ISO 8859-1), `None` if it is empty or missing."""
        value = self.fields.get(name)
        if value is None:
            return None
        value = value.strip()
        try:
            return value.decode() or None
        except UnicodeDecodeError:
            return value.decode("latin-1")

    async def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises `BodyTooLargeError` past `limit` bytes, `BadRequestError` if it breaks off.
        """
        declared = self.fields.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise BodyTooLargeError(f"The body may have {limit} bytes.")
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return self._whole(message.get("body", b""), limit)
        pieces = bytearray()
        while message["type"] == "http.request":
            pieces += message.get("body", b"")
            if len(pieces) > limit or not message.get("more_body"):
                return self._whole(bytes(pieces), limit)
            message = await self._receive()
        raise BadRequestError("The body breaks off.")

    def _whole(self, body: bytes, limit: int) -> bytes:
        if len(body) > limit:
            raise BodyTooLargeError(f"The body may have {limit} bytes.")
        return body


def field_fault(name: bytes, detail: str) -> InvalidRequestError:
    """Return the error for a header field whose value is wrong."""
    fault = {"header": _spelt(name), "detail": detail}
    return InvalidRequestError("One value is wrong.", extra={"errors": [fault]})


def _spelt(name: bytes) -> str:
    return name.decode("latin-1").title()
