"""The OpenAPI 3.1 document, made from the operations that route and validate."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.errors import (
    BodyTooLargeError,
    GatewayError,
    InvalidCredentialError,
    MissingCredentialError,
)
from dream_gateway.service.authentication import Auth
from dream_gateway.service.problem_shapes import ProblemView
from dream_gateway.service.status_shapes import Document
from dream_gateway.version import version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dream_gateway.service.operation import Operation

REFERENCE = "#/components/schemas/{name}"

_SECURITY_SCHEMES = {
    "secretKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key, `sk_test_...` or `sk_live_...`.",
    },
    "publishableKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Publishable-Key",
        "description": "A publishable key, `pk_test_...` or `pk_live_...`.",
    },
    "userToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An end user's token, beside the publishable key.",
    },
    "platformToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A developer's token, from the provider that the gateway is set up with.",
    },
    "operatorToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of the setting `operator_tokens`.",
    },
}
_SECURITY: dict[Auth, dict[str, list[str]]] = {
    Auth.SECRET: {"secretKey": []},
    Auth.PUBLISHABLE: {"publishableKey": []},
    Auth.USER: {"publishableKey": [], "userToken": []},
    Auth.PLATFORM: {"platformToken": []},
    Auth.OPERATOR: {"operatorToken": []},
}


def openapi(operations: Sequence[Operation]) -> Document:
    """Return the document of these operations."""
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    shapes = [s for each in operations for s in (each.request, each.response) if s is not None]
    _, schemas = msgspec.json.schema_components([ProblemView, *shapes], ref_template=REFERENCE)
    return Document(
        openapi="3.1.0",
        info={"title": "dream-gateway", "version": version()},
        paths=paths,
        components={"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES},
    )


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
        "security": [_SECURITY[auth] for auth in Auth if auth in operation.auth],
    }
    if operation.request is not None:
        described["requestBody"] = {
            "required": not operation.body_optional,
            "content": _json(operation.request),
        }
    return described


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for each in operation.fields:
        yield {
            "name": each.name,
            "in": "header",
            "required": each.required,
            "schema": msgspec.json.schema(each.type),
        }
    if operation.query is not None:
        for member in msgspec.structs.fields(operation.query):
            schema = msgspec.json.schema(member.type)
            yield {"name": member.encode_name, "in": "query", "required": False, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    if operation.response is None:
        responses: dict[str, Any] = {"204": {"description": "Done."}}
    else:
        responses = {
            str(status): _answer(operation, HTTPStatus(status).phrase)
            if status < HTTPStatus.MULTIPLE_CHOICES
            else {"description": HTTPStatus(status).phrase}
            for status in (operation.status, *operation.also)
        }
    by_status: dict[int, list[str]] = {}
    for error in errors_of(operation):
        by_status.setdefault(error.status, []).append(error.code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": "Codes: " + ", ".join(f"`{code}`" for code in codes) + ".",
            "content": {"application/problem+json": {"schema": _reference(ProblemView)}},
        }
    return responses


def errors_of(operation: Operation) -> Iterable[type[GatewayError]]:
    """Return every error an operation may answer with: its own, and what comes with its parts."""
    errors = dict.fromkeys(operation.errors)
    if operation.auth:
        errors |= dict.fromkeys((MissingCredentialError, InvalidCredentialError))
    if operation.request is not None:
        errors |= dict.fromkeys((BodyTooLargeError,))
    return (*errors, GatewayError)


def _answer(operation: Operation, phrase: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": f"{phrase}.", "content": _json(operation.response)}
    if operation.metered:
        answer["headers"] = {
            name: {"schema": {"type": "string"}} for name in ("RateLimit-Policy", "RateLimit")
        }
    return answer


def _json(shape: type[msgspec.Struct] | None) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(shape)}}


def _reference(shape: type[msgspec.Struct] | None) -> dict[str, str]:
    return {"$ref": REFERENCE.format(name=getattr(shape, "__name__", ""))}
