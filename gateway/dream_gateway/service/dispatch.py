"""Answers one request with the operation it is for, and every failure with a problem."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from dream_gateway.errors import (
    GatewayError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
)
from dream_gateway.http.inbound import from_scope
from dream_gateway.http.problem import problem, refusal
from dream_gateway.service.call import Call
from dream_gateway.service.reply import json_reply, problem_reply
from dream_gateway.service.validation import faults, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.http.asgi import Headers, Message, Receive, Scope, Send
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.http.reply import Reply
    from dream_gateway.http.request_ids import RequestIds
    from dream_gateway.model import Developer, Verdict
    from dream_gateway.service.authentication import Authenticator
    from dream_gateway.service.cors import Cors
    from dream_gateway.service.idempotency import Idempotency
    from dream_gateway.service.operation import Operation, QuickHandler
    from dream_gateway.service.reply import Answer

_LOG = logging.getLogger(__name__)

Methods = dict[str, "Operation"]
"""The operations of one path, by method."""


class RefusedError(Exception):
    """A verdict that says no; it is answered with the limits it was about."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.code)
        self.verdict = verdict


class Dispatcher:
    """Runs operations. Safe for any number of requests at once."""

    def __init__(
        self,
        authenticator: Authenticator,
        idempotency: Idempotency,
        cors: Cors,
        limits: RateLimitHeaders,
        ids: RequestIds,
    ) -> None:
        self._authenticator = authenticator
        self._idempotency = idempotency
        self._cors = cors
        self._limits = limits
        self.ids = ids

    async def respond(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        methods: Methods | None,
        parameters: Mapping[str, str],
    ) -> None:
        """Answer an ASGI request for a path that has these methods: see `answer`."""
        inbound = from_scope(scope)
        reply = await self.answer(inbound, receive, methods, parameters)
        await reply.send(send, head=inbound.method == "HEAD")

    async def answer(
        self,
        inbound: Inbound,
        receive: Receive,
        methods: Methods | None,
        parameters: Mapping[str, str],
    ) -> Reply:
        """Return the answer to a request for a path that has these methods, `None` for no such path."""
        request_id = self.request_id(inbound.fields)
        call = Call(inbound, receive, request_id, parameters)
        try:
            asked = await self._preflight(inbound, methods, request_id)
            reply = asked or await self._run(_operation(methods, inbound.method), call)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            reply = self._problem(exc, inbound, request_id)
        return self._cors.allow(call, reply)

    def request_id(self, fields: dict[bytes, bytes]) -> bytes:
        """Return the request's id: its own if that is sane, else a new one."""
        return self.ids.take_over(fields.get(b"x-request-id"))

    async def act(self, operation: Operation, call: Call, developer: Developer | None) -> Answer:
        """Return what an operation answers to a developer who is known; `None` is the operator.

        For what asks from inside of this process. Raises what a request would be refused with.
        """
        call.check_fields()
        call.caller = await self._authenticator.standing(developer, call, operation)
        return await self._perform(operation, call)

    def refuse(self, error: Exception, inbound: Inbound) -> Reply:
        """Return the answer for a failure outside of any operation."""
        return self._problem(error, inbound, self.ids.take_over(None))

    def try_respond(
        self, operation: Operation, quick: QuickHandler, inbound: Inbound, body: bytes
    ) -> Reply | None:
        """Answer from memory alone; `None` when that takes a store. Never blocks."""
        request_id = self.request_id(inbound.fields)
        try:
            call = Call(inbound, _no_more, request_id, {})
            call.check_fields()
            call.caller = self._authenticator.try_caller(call, operation.auth)
            if call.caller is None or len(body) > operation.max_body:
                return None
            if not body and operation.body_optional:
                body = b"{}"
            call.body = read_json(body, operation.decoder)
            answer = quick(call)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            return self._problem(exc, inbound, request_id)
        return None if answer is None else json_reply(answer, operation.status, request_id)

    async def _preflight(
        self, inbound: Inbound, methods: Methods | None, request_id: bytes
    ) -> Reply | None:
        if inbound.method != "OPTIONS" or methods is None:
            return None
        reply = await self._cors.preflight(inbound, methods)
        if reply is not None:
            reply.headers.append((b"x-request-id", request_id))
        return reply

    async def _run(self, operation: Operation, call: Call) -> Reply:
        call.check_fields()
        if operation.auth:
            call.caller = await self._authenticator.caller(call, operation)
        answer = await self._perform(operation, call)
        return json_reply(answer, operation.status, call.request_id)

    async def _perform(self, operation: Operation, call: Call) -> Answer:
        """Validate a call whose caller is known, and have it handled."""
        if operation.query is not None:
            call.query = _query(call.inbound.query, operation.query)
        if operation.request is None:
            return await operation.handler(call)
        body = await call.read(operation.max_body)
        if not body and operation.body_optional:
            body = b"{}"
        call.body = read_json(body, operation.decoder)
        if operation.creates:
            return await self._idempotency.run(operation, call)
        return await operation.handler(call)

    def _problem(self, cause: Exception, inbound: Inbound, request_id: bytes) -> Reply:
        error = GatewayError()
        if isinstance(cause, RefusedError):
            error = refusal(cause.verdict)
        elif isinstance(cause, GatewayError):
            error = cause
        else:
            _LOG.error("request %s failed inside the gateway", request_id.decode(), exc_info=cause)
        limits: Headers = []
        if isinstance(cause, RefusedError):
            self._limits.add(limits, cause.verdict)
        instance = inbound.raw_path.decode("ascii", "replace")
        return problem_reply(
            problem(error, instance=instance, request_id=request_id.decode("ascii")), limits
        )


async def _no_more() -> Message:
    return {"type": "http.disconnect"}


def _operation(methods: Methods | None, method: str) -> Operation:
    if methods is None:
        raise NotFoundError("There is no such path.")
    operation = methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
        raise MethodNotAllowedError(headers=(("Allow", ", ".join(allowed)),))
    return operation


def _query(query: bytes, shape: type[msgspec.Struct]) -> Any:
    """Return the query parameters as a shape; raises `InvalidRequestError`, naming each fault."""
    pairs = parse_qsl(
        query.decode("latin-1"),
        keep_blank_values=True,
        max_num_fields=None,
    )
    values: dict[str, object] = dict(pairs)
    known = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
    for name, hint in known.items():
        if name in values:
            values[name] = _number(values[name], hint)
    found = [
        {"parameter": fault.pointer.removeprefix("/"), "detail": fault.detail}
        for fault in faults(values, shape)
    ]
    if found:
        raise InvalidRequestError("A query parameter is wrong.", extra={"errors": found})
    return msgspec.convert(values, shape)


def _number(text: object, hint: Any) -> object:
    """Return the number that a parameter's text is, if it is one and a number is wanted."""
    try:
        return msgspec.convert(text, hint, strict=False)
    except msgspec.ValidationError:
        plain = str(text)
        is_whole = plain.removeprefix("-").isdecimal() and len(plain) < 20
        return int(plain) if is_whole else text
