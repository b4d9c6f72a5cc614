"""One definition per operation: it routes, authenticates, validates, and documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.model import Role

if TYPE_CHECKING:
    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.shortcut import Shortcut
    from dream_gateway.service.authentication import Auth
    from dream_gateway.service.call import Call
    from dream_gateway.service.reply import Answer
    from dream_gateway.service.values import Shape

Handler = Callable[["Call"], Awaitable["Answer"]]
QuickHandler = Callable[["Call"], "Answer | None"]
ExpressHandler = Callable[
    ["HttpConnection", dict[bytes, bytes], Callable[[], bytes]], "Shortcut | None"
]

Around = Callable[["Call"], AbstractAsyncContextManager[None]]

SMALL_BODY = 64 << 10
"""Bytes: what the body of one thing may have."""


@dataclass(frozen=True, slots=True)
class Field:
    """A header field that an operation reads; `type` is an annotated type of its value."""

    name: str
    type: Any
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path, what it takes and gives, and who may call it.

    `auth` holds the kinds of caller; none means anybody. `request` is the body's shape, and
    `body_optional` allows there to be none; `read_as` is a looser shape to read it by, where the
    handler looks closer. `query` is the shape of the query parameters. `creates` makes an
    `Idempotency-Key` replay the result; `around` is entered before its transaction begins, for what
    others do elsewhere, and left after it, to undo that if it failed. `least` is the role a
    developer needs. `of_deleted` lets the path name a deleted project, `of_unpaid` the developers of
    a platform that does not pay its plan change something all the same. `hot` answers ahead of the
    router. `also` are other statuses that answer with `response`. `quick` is the handler of the
    plainest requests, which answers from memory or, having changed nothing, with `None`; `express`
    gives the shortcut of those that are plainer still: it takes the connection, fields, and what gives
    the next request's id.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    response: type[Shape] | None
    auth: frozenset[Auth] = frozenset()
    status: int = 200
    request: type[Shape] | None = None
    read_as: type[Shape] | None = None
    body_optional: bool = False
    max_body: int = SMALL_BODY
    query: type[Shape] | None = None
    fields: tuple[Field, ...] = ()
    errors: tuple[type[GatewayError], ...] = ()
    also: tuple[int, ...] = ()
    creates: bool = False
    around: Around | None = None
    least: Role = Role.MEMBER
    of_deleted: bool = False
    of_unpaid: bool = False
    metered: bool = False
    hot: bool = False
    quick: QuickHandler | None = None
    express: ExpressHandler | None = None
    decoder: msgspec.json.Decoder[Any] = field(init=False)

    def __post_init__(self) -> None:
        decoder = msgspec.json.Decoder(self.read_as or self.request or Any)
        object.__setattr__(self, "decoder", decoder)

    def surroundings(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Return what a creating operation runs in."""
        return nullcontext() if self.around is None else self.around(call)

    @property
    def id(self) -> str:
        """The operation's id in the OpenAPI document: method and path in words."""
        words = self.path.replace("{", "by-").replace("}", "").replace(".", "-").strip("/")
        return "-".join([self.method.lower(), *words.split("/")])
