"""The methods of one class of the client, from the table of routes and the document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codegen.shapes import annotation, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codegen.routes import Route

HEADER_PARAMETERS = {
    "X-User-Id": "user_id",
    "X-User-Plan": "plan",
    "Idempotency-Key": "idempotency_key",
    "If-Match": "if_match",
}
HEADERS_LEFT_OUT = {
    "X-Usage-Cost": "the body says the cost",
    "X-Project-Id": "beside a developer's token: the client is told it once",
    "X-Platform-Id": "likewise",
}
_KEYWORDS = {"from": "from_", "type": "type_"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method: `where` it goes, by which name there.

    One that is `nullable` may be sent as `null`, and has another default that means nothing.
    """

    where: str
    key: str
    name: str
    kind: str
    required: bool = False
    nullable: bool = False

    @property
    def declared(self) -> str:
        """How it is written in a signature."""
        if self.required:
            return f"{self.name}: {self.kind}"
        if self.nullable:
            return f"{self.name}: {self.kind} | Omit = OMIT"
        kind = self.kind if self.kind.endswith("None") else f"{self.kind} | None"
        return f"{self.name}: {kind} = None"


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its route, what it takes and what it gives; `None` is nothing."""

    route: Route
    summary: str
    parameters: tuple[Parameter, ...]
    answer: str | None
    item: str | None

    def of(self, place: str) -> list[Parameter]:
        """Return the parameters that go to a place."""
        return [each for each in self.parameters if each.where == place]


def snake(name: str) -> str:
    """Return a name of JSON's as Python's."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return _KEYWORDS.get(plain, plain)


def method(route: Route, document: dict[str, Any]) -> Method:
    """Return a route's method, as the document has it."""
    operation = document["paths"][route.path][route.method.lower()]
    schemas = document["components"]["schemas"]
    answer = _answer(operation)
    page = schemas[answer]["properties"] if answer is not None else {}
    item = name_of(page["data"]["items"]) if {"nextCursor", "data"} <= page.keys() else None
    parameters = (*_beside(route, operation), *_of_body(operation, schemas))
    return Method(route, operation["summary"], parameters, answer, item)


def _answer(operation: dict[str, Any]) -> str | None:
    for status, response in operation["responses"].items():
        if status.startswith("2") and "content" in response:
            return name_of(response["content"]["application/json"]["schema"])
    return None


def _beside(route: Route, operation: dict[str, Any]) -> Iterable[Parameter]:
    for each in operation["parameters"]:
        key, schema, place = each["name"], each["schema"], each["in"]
        if place == "path":
            name = route.subject if key == "id" else snake(key)
            yield Parameter("path", key, name, "str", required=True)
        elif place == "query":
            yield Parameter("query", key, snake(key), _taken(schema), each["required"])
        elif key not in HEADERS_LEFT_OUT:
            yield Parameter("header", key, HEADER_PARAMETERS[key], "str", each["required"])


def _of_body(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterable[Parameter]:
    if "requestBody" not in operation:
        return
    shape = schemas[name_of(operation["requestBody"]["content"]["application/json"]["schema"])]
    for key, schema in shape["properties"].items():
        nullable = {"type": "null"} in schema.get("anyOf", ()) and schema.get(
            "default", 0
        ) is not None
        required = key in shape["required"]
        yield Parameter(
            "body", key, snake(key), _taken(schema), required, nullable and not required
        )


def _taken(schema: dict[str, Any]) -> str:
    """Return what a method takes for a schema: any sequence, and times as such."""
    if schema.get("format") == "date-time":
        return "datetime | str"
    if "anyOf" in schema:
        return " | ".join(_taken(each) for each in schema["anyOf"])
    return annotation(schema, array="Sequence")


def groups(methods: Sequence[Method]) -> dict[str, list[Method]]:
    """Return methods by the group they are in, in the table's order."""
    found: dict[str, list[Method]] = {}
    for each in methods:
        found.setdefault(each.route.group, []).append(each)
    return found
