"""TypeScript's types read from a module of plain interfaces, and what a JSON schema is among them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_INTERFACE = re.compile(r"^export interface (\w+) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_ALIAS = re.compile(r"^export type (\w+) = ([^;]+);", re.MULTILINE)
_MEMBER = re.compile(r"^  (?:readonly )?(\w+)(\??): (.+);$", re.MULTILINE)
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


@dataclass(frozen=True)
class Member:
    """A member of an interface: whether it may be missing, and its choices."""

    optional: bool
    choices: frozenset[str]


def interfaces(module: str) -> dict[str, dict[str, Member]]:
    """Return the interfaces of a module that have data alone, by name."""
    return {
        name: {
            key: Member(bool(mark), choices(kind)) for key, mark, kind in _MEMBER.findall(inside)
        }
        for name, inside in _INTERFACE.findall(module)
    }


def aliases(module: str) -> dict[str, frozenset[str]]:
    """Return the names that a module gives to choices."""
    return {name: choices(kind) for name, kind in _ALIAS.findall(module)}


def choices(kind: str) -> frozenset[str]:
    """Return what a union is made of, without brackets that change nothing."""
    plain = re.sub(r"\(([\w<>, \[\]]+)\)\[\]", r"\1[]", kind.replace("\n", " "))
    split = re.split(r"\s*\|\s*(?![^<(]*[>)])", plain.strip())
    return frozenset(each.strip() for each in split if each.strip())


def members(schema: dict[str, Any]) -> dict[str, Member]:
    """Return the members of an object's schema."""
    return {
        key: Member(key not in schema["required"], of_schema(each))
        for key, each in schema["properties"].items()
    }


def of_schema(schema: dict[str, Any]) -> frozenset[str]:
    """Return the choices of a schema."""
    if "$ref" in schema:
        return frozenset({schema["$ref"].rpartition("/")[2]})
    if "anyOf" in schema:
        return frozenset().union(*(of_schema(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return frozenset(json.dumps(each) for each in schema["enum"])
    return frozenset({_one(schema)})


def _one(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        inner = sorted(of_schema(schema.get("items", {})))
        return f"{inner[0]}[]" if len(inner) == 1 else f"({' | '.join(inner)})[]"
    if kind == "object":
        values = schema.get("additionalProperties")
        inner = sorted(of_schema(values)) if isinstance(values, dict) else ["unknown"]
        return f"Record<string, {' | '.join(inner)}>"
    return "null" if kind == "null" else _PLAIN.get(str(kind), "unknown")
