"""What pages change: operations of the service, called inside of this process as whoever is signed in.

So validation, roles, the audit log, idempotency and the change feed are those of the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from dream_gateway.errors import NotFoundError
from dream_gateway.http.inbound import Inbound
from dream_gateway.service.call import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.errors import GatewayError
    from dream_gateway.http.asgi import Headers, Message
    from dream_gateway.model import Developer
    from dream_gateway.service.app import Service
    from dream_gateway.service.operation import Operation
    from dream_gateway.service.reply import Answer


class Act(NamedTuple):
    """An operation to call: its method and path as they are declared, and what a request would bring.

    `parameters` are those of the path. `once` is an idempotency key, `version` an entity tag.
    """

    method: str
    path: str
    parameters: Mapping[str, str] = {}
    body: Mapping[str, object] | None = None
    query: Mapping[str, object] = {}
    project: str | None = None
    platform: str | None = None
    once: str | None = None
    version: str | None = None


class Way(NamedTuple):
    """What a button does: the operation's method and path, what it sends, and the notice after it."""

    method: str
    path: str
    body: Mapping[str, object] | None
    done: str


class Done(NamedTuple):
    """What came of it: the operation's answer as its shape, `None` where it has none.

    `cookies` are what it would set in a browser.
    """

    value: Any
    version: str | None
    cookies: tuple[str, ...]


class Acting:
    """Calls operations. Safe for any number of requests at once."""

    def __init__(self, service: Service) -> None:
        self._dispatcher = service.dispatcher
        self._operations = {(each.method, each.path): each for each in service.operations}

    async def call(
        self, act: Act, developer: Developer | None, *, request_id: str, address: str | None
    ) -> Done:
        """Call an operation as a developer; `None` is the operator.

        Raises the `GatewayError` that the API would answer: see `faults_of`.
        """
        operation = self._operations[act.method, act.path]
        body = b"" if act.body is None else msgspec.json.encode(act.body)
        asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return asked.pop() if asked else {"type": "http.disconnect"}

        inbound = _inbound(act, address)
        call = Call(inbound, receive, request_id.encode("ascii"), dict(act.parameters))
        answer = await self._dispatcher.act(operation, call, developer)
        return Done(
            _value(operation, answer),
            next(iter(_fields(answer, b"etag")), None),
            _fields(answer, b"set-cookie"),
        )


def way_of(ways: Mapping[str, Way], name: str) -> Way:
    """Return the way of a name. Raises `NotFoundError`: a path names it."""
    way = ways.get(name)
    if way is None:
        raise NotFoundError("There is no such page.")
    return way


def faults_of(error: GatewayError) -> dict[str, str]:
    """Return what is wrong with each value, by its JSON pointer without the first slash.

    The empty name is what cannot be said of any one of them.
    """
    named = error.extra.get("errors")
    found: dict[str, str] = {}
    for each in named if isinstance(named, list) else []:
        place = each.get("pointer", each.get("parameter", ""))
        found.setdefault(str(place).removeprefix("/"), str(each.get("detail", "")))
    return found or {"": error.detail}


def _inbound(act: Act, address: str | None) -> Inbound:
    headers: Headers = [(b"content-type", b"application/json")]
    for name, value in (
        (b"x-project-id", act.project),
        (b"x-platform-id", act.platform),
        (b"idempotency-key", act.once),
        (b"if-match", act.version),
    ):
        if value is not None:
            headers.append((name, value.encode()))
    inbound = Inbound()
    inbound.client, inbound.method, inbound.headers = address, act.method, headers
    inbound.fields = dict(headers)
    inbound.path = act.path.format_map(act.parameters)
    inbound.raw_path = quote(inbound.path).encode()
    inbound.query = urlencode({k: v for k, v in act.query.items() if v is not None}).encode()
    inbound.scheme, inbound.version = "http", "1.1"
    return inbound


def _value(operation: Operation, answer: Answer) -> Any:
    """Return an answer's value; a replayed one, which is JSON, as the operation's shape."""
    if isinstance(answer.value, msgspec.Raw) and operation.response is not None:
        return msgspec.json.decode(answer.value, type=operation.response)
    return answer.value


def _fields(answer: Answer, wanted: bytes) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for name, value in answer.headers if name == wanted)
