"""Settings as people read them: a table with types, defaults and help; values without their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from dream_gateway.settings import FILE_ONLY, STORES, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

URLS = (*STORES, "upstream")
SECRETS = ("encryption_keys", "operator_tokens")
"""The settings that are lists of secrets, and never shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of settings, for people."""

    name: str
    type: str
    default: object
    help: str

    @property
    def is_file_only(self) -> bool:
        """Whether neither a flag nor the environment can set it."""
        return self.name in FILE_ONLY


def table(of: type[msgspec.Struct] = Settings) -> list[Row]:
    """Return the table of settings, or that of a route or a plugin, in its own order."""
    return [
        Row(field.encode_name, type_name(field.type), _default(field), _help(field.type))
        for field in msgspec.structs.fields(of)
    ]


def secrets(of: type[msgspec.Struct]) -> set[str]:
    """Return the names of the settings that must not be shown: `Meta(extra={"secret": True})`."""
    return {
        field.encode_name
        for field in msgspec.structs.fields(of)
        if any((mark.extra or {}).get("secret") for mark in _marks(field.type))
    }


def shown(name: str, value: object) -> object:
    """Return a setting's value fit to be shown: no secrets, and of plugins only the names."""
    if name in SECRETS and isinstance(value, tuple):
        return ["***" for _ in value]
    if name == "plugins" and isinstance(value, dict):
        return sorted(value)
    if name in URLS and isinstance(value, str):
        return without_password(value)
    return msgspec.to_builtins(value)


def without_password(url: str) -> str:
    """Return a URL with its user's password, and the values of its options, blotted out."""
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("://")
    user, at, place = rest.rpartition("@")
    if at and ":" in user:
        head = f"{scheme}{slashes}{user.partition(':')[0]}:***@{place}"
    if "password" in query.lower():
        query = "***"
    return f"{head}{mark}{query}"


def _default(field: msgspec.structs.FieldInfo) -> object:
    makes_one = field.default_factory is not msgspec.NODEFAULT
    default = field.default_factory() if makes_one else field.default
    return None if default is msgspec.NODEFAULT else default


def _help(hint: object) -> str:
    return next((mark.description for mark in _marks(hint) if mark.description), "")


def _marks(hint: object) -> Iterator[Meta]:
    """Yield what a type says of itself, the outermost last word first."""
    metadata = getattr(hint, "__metadata__", ())
    yield from (mark for mark in reversed(metadata) if isinstance(mark, Meta))
    for inner in get_args(hint):
        yield from _marks(inner)


def type_name(hint: object) -> str:
    """Return a setting's type as people write it: `number`, `whole number`, `a or b`, `list`."""
    bare = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    if get_origin(bare) in (Union, UnionType):
        return type_name(get_args(bare)[0])
    if get_origin(bare) is Literal:
        return " or ".join(str(word) for word in get_args(bare))
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    names |= {tuple: "list", dict: "table"}
    return next((name for kind, name in names.items() if kind in (bare, get_origin(bare))), "table")
