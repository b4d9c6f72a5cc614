"""JSON schemas as Python's types: what a schema is in an annotation, and the module of all of them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Schema = dict[str, Any]
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_HEAD = '''\
"""What the service reads and writes, as its OpenAPI document says. Made by `scripts/client`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''


def annotation(schema: Schema, *, array: str = "list") -> str:
    """Return the annotation of what fits a schema; `array` is what its arrays are called."""
    if "$ref" in schema:
        return name_of(schema)
    if "anyOf" in schema:
        return " | ".join(annotation(each, array=array) for each in schema["anyOf"])
    if "enum" in schema:
        return _literal(schema)
    if schema.get("type") == "array":
        return f"{array}[{annotation(schema.get('items', {}), array=array)}]"
    if schema.get("type") == "object":
        return f"dict[str, {annotation(schema.get('additionalProperties') or {}, array=array)}]"
    return _PLAIN[schema["type"]] if "type" in schema else "Any"


def name_of(schema: Schema) -> str:
    """Return what a reference names."""
    name: str = schema["$ref"].rpartition("/")[2]
    return name


def module(schemas: dict[str, Schema], wanted: Iterable[str]) -> str:
    """Return a module with the types of what is wanted, and of what those need, by name."""
    needed = sorted(closure(schemas, wanted))
    aliases = [_alias(name, schemas[name]) for name in needed if "enum" in schemas[name]]
    classes = [_class(name, schemas[name]) for name in needed if "enum" not in schemas[name]]
    names = "".join(f'    "{name}",\n' for name in needed)
    return "\n\n".join([_HEAD, f"__all__ = [\n{names}]", *aliases, *classes]) + "\n"


def closure(schemas: dict[str, Schema], wanted: Iterable[str]) -> set[str]:
    """Return names and, of each, whatever it refers to."""
    found: set[str] = set()
    left = list(wanted)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += references(schemas[name])
    return found


def references(part: object) -> Iterator[str]:
    """Yield the names that any part of a document refers to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield name_of(part)
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def _literal(schema: Schema) -> str:
    return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"


def _alias(name: str, schema: Schema) -> str:
    return f'{name} = {_literal(schema)}\n"""{schema["description"]}"""'


def _class(name: str, schema: Schema) -> str:
    lines = [f"class {name}(TypedDict):", textwrap.indent(f'"""{_said(schema)}"""\n', "    ")]
    for key, value in schema["properties"].items():
        kind = annotation(value)
        kind = kind if key in schema["required"] else f"NotRequired[{kind}]"
        lines.append(f"    {key}: {kind}")
    return "\n".join(lines)


def _said(schema: Schema) -> str:
    text: str = schema["description"].strip()
    return f"{text}\n" if "\n" in text else text
