"""Writes the JavaScript SDK's `routes.json` and `src/generated.ts`: its methods and types.

Both are made of the table of routes and the OpenAPI document. `scripts/sdk` runs this.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.document import document
from codegen.methods import HEADER_PARAMETERS
from codegen.routes import LEFT_OUT, ROUTES
from dream_gateway import errors
from dream_gateway.http import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from codegen.routes import Route

SDK = Path(__file__).parents[1] / "sdk" / "javascript"
PUBLISHED = SDK / "routes.json"
"""The table as users of the package read it."""

GENERATED = SDK / "src" / "generated.ts"
HEAD = (
    "// Written by scripts/sdk from routes.json and the gateway's OpenAPI document: not by hand.\n"
)
REFERENCE = "#/components/schemas/"
NO_FIELDS = "NoFields"
SIMPLE = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
KINDS = {
    frozenset({"secretKey"}): "secret",
    frozenset({"publishableKey"}): "publishable",
    frozenset({"publishableKey", "userToken"}): "user",
    frozenset({"platformToken"}): "platform",
    frozenset({"operatorToken"}): "operator",
}
"""What the document asks for, as the client calls it."""

OPTIONS = {"Idempotency-Key", "If-Match"}
"""Header fields that go with a call's options, and not with its input."""


class DriftError(Exception):
    """The table names a route that the document has not."""


def table(described: Mapping[str, Any], routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """Return the methods by their names, with what a caller has to know of each.

    Raises `DriftError`.
    """
    return {camel(each.full_name): _row(each, _operation(each, described)) for each in routes}


def _operation(route: Route, described: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None
    found = described["paths"].get(route.path, {}).get(route.method.lower())
    if found is None:
        raise DriftError(f"{route.method} {route.path} is not there.")
    return found


def _row(route: Route, operation: Mapping[str, Any]) -> dict[str, Any]:
    heads = [each["name"] for each in operation["parameters"] if each["in"] == "header"]
    fields = {
        camel(HEADER_PARAMETERS[name]): name
        for name in heads
        if name in HEADER_PARAMETERS and (name not in OPTIONS or _is_input(name, route))
    }
    row: dict[str, Any] = {"method": route.method, "path": route.path}
    row["auth"] = [KINDS[frozenset(each)] for each in operation["security"]]
    if fields:
        row["fields"] = fields
    if route.repeatable or "Idempotency-Key" in heads:
        row["repeatable"] = "always" if route.repeatable else "key"
    return row


def _is_input(field: str, route: Route) -> bool:
    return field == "Idempotency-Key" and route.key_is_input


def camel(name: str) -> str:
    """Return a name of Python's as JavaScript's."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def published(described: Mapping[str, Any]) -> str:
    """Return the text of `routes.json`: a line for each method, and for each route that has none."""
    parts = {"routes": table(described), "leftOut": LEFT_OUT}
    return "{\n" + ",\n".join(map(_part, parts.items())) + "\n}\n"


def _part(part: tuple[str, Mapping[str, Any]]) -> str:
    name, rows = part
    lines = (f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items())
    return f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }"


def generate(described: Mapping[str, Any], routes: Iterable[Route] = ROUTES) -> str:
    """Return the text of `generated.ts`. Raises `DriftError`."""
    methods = table(described, routes)
    schemas = described["components"]["schemas"]
    parts = [HEAD, 'import type { Listing } from "./listing.js";']
    parts += [
        'import type { Options } from "./options.js";',
        'import type { Route } from "./route.js";\n',
    ]
    parts += [_declared(name, schema) for name, schema in schemas.items() if name != NO_FIELDS]
    parts += _resources(described, methods)
    rows = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(route | _manner(route, described))}"
        for name, route in methods.items()
    )
    parts.append("/** The client's methods: what each calls, and who may. */")
    parts.append(f"export const ROUTES: Readonly<Record<string, Route>> = {{\n{rows},\n}};\n")
    parts.append(_refusals())
    return "\n".join(parts)


def _declared(name: str, schema: Mapping[str, Any]) -> str:
    comment = _comment(schema.get("description", ""))
    if schema.get("type") == "object":
        return f"{comment}export interface {name} {_members(schema)}\n"
    return f"{comment}export type {name} = {_type(schema)};\n"


def _members(schema: Mapping[str, Any], indent: str = "") -> str:
    required = set(schema.get("required", ()))
    lines = []
    for name, value in schema.get("properties", {}).items():
        text = _comment(value.get("description", ""), indent + "  ")
        mark = "" if name in required else "?"
        lines.append(f"{text}{indent}  {name}{mark}: {_type(value)};")
    return "\n".join(["{", *lines, indent + "}"])


def _type(schema: Mapping[str, Any]) -> str:
    """Return the TypeScript type of a JSON schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return " | ".join(json.dumps(value) for value in values)
    kind = schema.get("type")
    if kind == "array":
        items = _type(schema.get("items", {}))
        return f"({items})[]" if " " in items else f"{items}[]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"Record<string, {_type(inner) if isinstance(inner, dict) else 'unknown'}>"
    return SIMPLE[kind] if isinstance(kind, str) else "unknown"


def _comment(text: str, indent: str = "") -> str:
    words = " ".join(text.split()).replace("*/", "*\\/")
    return f"{indent}/** {words} */\n" if words else ""


def _resources(described: Mapping[str, Any], routes: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    top: list[str] = []
    for name, route in routes.items():
        group, _, method = name.rpartition(".")
        text = _method(method, route, described)
        (groups.setdefault(group, []) if group else top).append(text)
    for group, methods in groups.items():
        yield f"export interface {_interface(group)} {{\n" + "\n".join(methods) + "\n}\n"
    named = [f"  readonly {group}: {_interface(group)};" for group in groups]
    yield "export interface Resources {\n" + "\n".join([*named, *top]) + "\n}\n"


def _interface(group: str) -> str:
    return group[0].upper() + group[1:] + "Methods"


def _method(name: str, route: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    method, path = route["method"], route["path"]
    operation = described["paths"][path][method.lower()]
    arguments = [f"{each}: string" for each in re.findall(r"\{(\w+)\}", path)]
    arguments += _input(route, operation, described)
    answer = _answer(operation, described)
    comment = _comment(f"{operation['summary']}: `{method} {path}`.", "  ")
    return f"{comment}  {name}({', '.join([*arguments, 'options?: Options'])}): {answer};"


def _manner(route: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the client has to know beside the table: where the input goes, and if it is pages."""
    operation = described["paths"][route["path"]][route["method"].lower()]
    manner: dict[str, Any] = {}
    if list(_input(route, operation, described)):
        manner["takes"] = "body" if "requestBody" in operation else "query"
    if _answer(operation, described).startswith("Listing"):
        manner["pages"] = True
    return manner


def _input(
    route: Mapping[str, Any], operation: Mapping[str, Any], described: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the argument with a body's members, or a query's, and those that go in header fields."""
    given = [f"{name}?: string" for name in route.get("fields", {})]
    given += [
        f"{each['name']}?: {_type(each['schema'])}"
        for each in operation["parameters"]
        if each["in"] == "query"
    ]
    types = [f"{{ {'; '.join(given)} }}"] if given else []
    body = operation.get("requestBody")
    optional = True
    if body is not None:
        shape = _type(body["content"]["application/json"]["schema"])
        if shape != NO_FIELDS:
            types.insert(0, shape)
            schema = described["components"]["schemas"][shape]
            optional = not schema.get("required")
    if types:
        yield f"input{'?' if optional else ''}: {' & '.join(types)}"


def _answer(operation: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    good = next(v for k, v in operation["responses"].items() if k < "300")
    if "content" not in good:
        return "Promise<void>"
    name = _type(good["content"]["application/json"]["schema"])
    members = described["components"]["schemas"][name]["properties"]
    if set(members) == {"data", "nextCursor", "hasMore"}:
        return f"Listing<{_type(members['data']['items'])}, {name}>"
    return f"Promise<{name}>"


def _refusals() -> str:
    rows = ",\n".join(
        f"  {kind.code}: {{ status: {kind.status}, title: {json.dumps(kind.title)} }}"
        for kind in _kinds()
    )
    return (
        "/** What the gateway answers for each code of an error. */\n"
        f"export const PROBLEMS = {{\n{rows},\n}} as const;\n\n"
        "/** The code of an error of the gateway. */\n"
        "export type ErrorCode = keyof typeof PROBLEMS;\n\n"
        f"export const PROBLEM_TYPE = {json.dumps(problem.TYPE_PREFIX)};\n"
    )


def _kinds(root: type[errors.GatewayError] = errors.GatewayError) -> Iterator[Any]:
    """Yield the errors that have a code of their own, and are not the operator's."""
    if "code" in vars(root):
        yield root
    for kind in root.__subclasses__():
        if kind.__module__ == errors.__name__ and not issubclass(kind, errors.OperatorError):
            yield from _kinds(kind)


def files() -> dict[Path, str]:
    """Return the text of each made file as it should be now."""
    described = document()
    return {PUBLISHED: published(described), GENERATED: generate(described)}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
