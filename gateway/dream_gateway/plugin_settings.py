"""Checks a `[plugins.NAME]` table against the settings that the plugin declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def converted(
    plugin: str, table: Mapping[str, object], declared: type[msgspec.Struct]
) -> msgspec.Struct:
    """Return a plugin's settings as the type it declares.

    Raises `ConfigurationError`, which names the plugin, and every setting that is wrong with its fault.
    """
    faults = [f"plugins.{plugin}.{fault}" for fault in _faults(table, declared)]
    if not faults:
        try:
            return msgspec.convert(table, declared)
        except msgspec.ValidationError as error:
            faults = [f"plugins.{plugin}: {error}"]
    raise ConfigurationError("; ".join(faults), extra={"errors": faults})


def _faults(table: Mapping[str, object], declared: type[msgspec.Struct]) -> Iterator[str]:
    """Yield what is wrong, each with the name of the setting in front."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(declared)}
    yield from (f"{name}: no such setting" for name in table if name not in fields)
    for name, field in fields.items():
        if name not in table:
            if field.required:
                yield f"{name}: must be set"
            continue
        try:
            msgspec.convert(table[name], field.type)
        except msgspec.ValidationError as error:
            yield f"{name}: {error}"
