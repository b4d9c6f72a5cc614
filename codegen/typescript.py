"""Writes `sdk/javascript/src/generated.ts`: types and methods by the OpenAPI document and `routes.json`.

`routes.json` names each method of the client, with its route and who may call it; everything else is
the document's. `scripts/sdk` runs this.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.document import document
from dream_gateway import errors
from dream_gateway.http import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SDK = Path(__file__).parents[1] / "sdk" / "javascript"
TABLE = SDK / "routes.json"
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
"""What the document asks for, as the table calls it."""


class DriftError(Exception):
    """The table says something else than the document."""


def generate(described: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return the text of the module. Raises `DriftError` for a route that is not as it says."""
    schemas = described["components"]["schemas"]
    parts = [HEAD, 'import type { Listing } from "./listing.js";']
    parts += [
        'import type { Options } from "./options.js";',
        'import type { Route } from "./route.js";\n',
    ]
    parts += [_declared(name, schema) for name, schema in schemas.items() if name != NO_FIELDS]
    parts += _resources(described, table["routes"])
    rows = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(route | _manner(route, described))}"
        for name, route in table["routes"].items()
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
    operation = described["paths"].get(path, {}).get(method.lower())
    if operation is None:
        raise DriftError(f"{method} {path} is not there.")
    auth = [KINDS[frozenset(each)] for each in operation["security"]]
    if auth != route["auth"]:
        raise DriftError(f"{method} {path} is for {auth}.")
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
    parameters = {each["name"]: each for each in operation["parameters"]}
    unknown = set(route.get("fields", {}).values()) - set(parameters)
    if unknown:
        raise DriftError(f"{route['path']} reads no {unknown}.")
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


def text() -> str:
    """Return the module as it should be now."""
    return generate(document(), json.loads(TABLE.read_text()))


if __name__ == "__main__":
    GENERATED.write_text(text())
