"""JSON schemas as they can be compared: what fits them, and no words about it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

Schema = dict[str, Any]
_WORDS = {"title", "description", "default", "format"}
_BOUNDS = {
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "pattern",
    "propertyNames",
}


def plain(schema: Any, components: dict[str, Schema]) -> Any:
    """Return a schema without words and bounds; enumerations stand where they are named."""
    if isinstance(schema, list):
        return sorted((plain(each, components) for each in schema), key=json.dumps)
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref", "").rpartition("/")[2]
    if "enum" in components.get(name, {}):
        return plain(components[name], components)
    kept = {key: each for key, each in schema.items() if key not in _WORDS | _BOUNDS}
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    if "properties" in kept:
        fields = {key: plain(each, components) for key, each in kept.pop("properties").items()}
        return {**plain(kept, components), "properties": fields}
    return {key: plain(each, components) for key, each in kept.items()}


def of_annotation(annotation: Any) -> tuple[Schema, dict[str, Schema]]:
    """Return what msgspec makes of an annotation, and of the types that it names."""
    (made,), named = msgspec.json.schema_components(
        [annotation], ref_template="#/components/schemas/{name}"
    )
    return plain(made, {}), {name: plain(each, {}) for name, each in named.items()}


def optional(schema: Schema) -> Schema:
    """Return a plain schema that null fits as well."""
    choices = schema.get("anyOf", [schema])
    null = {"type": "null"}
    return {"anyOf": plain(choices if null in choices else [*choices, null], {})}
