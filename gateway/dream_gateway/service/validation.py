"""Reads JSON into shapes and names every fault in it by its JSON pointer (RFC 6901).

msgspec stops at the first fault. So the fast way decodes and validates at once, and only when that
fails is the value taken apart, part by part, with the same types.
"""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union

import msgspec

from dream_gateway.errors import BadRequestError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

EXACT = 2**53
"""Below this every whole number is a float of its own."""

MAX_FAULTS = 100
"""Faults that an answer names; a client that makes more has another problem."""


class Fault(NamedTuple):
    """What is wrong with the value at a JSON pointer; the pointer of the whole is empty."""

    pointer: str
    detail: str


def read_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the shape in a body.

    Raises `BadRequestError` for what is not JSON, and `InvalidRequestError` for JSON of another
    shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        return _closer(body, decoder, exc)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _unreadable(exc) from exc


def invalid(found: list[Fault]) -> InvalidRequestError:
    """Return the error that names these faults."""
    named = [{"pointer": fault.pointer, "detail": fault.detail} for fault in found[:MAX_FAULTS]]
    return InvalidRequestError(_summary(len(found)), extra={"errors": named})


def faults(value: object, hint: Any, pointer: str = "") -> Iterator[Fault]:
    """Yield what keeps a JSON value from being of a type, innermost first; nothing if it is."""
    inner = list(_inner_faults(value, _bare(hint), pointer))
    if inner:
        yield from inner
        return
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as exc:
        yield _located(str(exc), pointer)


def escape(name: str) -> str:
    """Return a member's name as a reference token of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _closer(body: bytes, decoder: msgspec.json.Decoder[T], first: msgspec.ValidationError) -> T:
    """Return the shape after all, if `1.0` for `1` was all that was wrong; else name each fault."""
    plain = _plain(body)
    try:
        plain = _whole_numbers(plain)
        shape: T = msgspec.convert(plain, decoder.type)
    except msgspec.ValidationError:
        raise invalid(_all_faults(plain, decoder.type, first)) from first
    except RecursionError as exc:
        raise _unreadable(exc) from exc
    return shape


def _whole_numbers(value: object) -> object:
    """Return a JSON value with `1.0` as `1`: they are the same number (JSON Schema 4.2.3)."""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: _whole_numbers(each) for name, each in value.items()}
    return value


def _plain(body: bytes) -> object:
    """Return a body without looking at its shape, `UNSET` if a number in it has no value."""
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:
        return msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        # The typed decoder stopped at a wrong value before it came to what is not JSON.
        raise _unreadable(exc) from exc


def _unreadable(cause: Exception) -> BadRequestError:
    too_deep = isinstance(cause, RecursionError)
    return BadRequestError("The body is nested too deep." if too_deep else "The body is not JSON.")


def _all_faults(value: object, hint: Any, first: msgspec.ValidationError) -> list[Fault]:
    found = [] if value is msgspec.UNSET else list(faults(value, hint))
    return found or [_located(str(first), "")]


def _inner_faults(value: object, hint: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(value, dict):
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _member_faults(value, hint, pointer)
    elif isinstance(value, list) and typing.get_origin(hint) in {list, tuple}:
        item = typing.get_args(hint)[0]
        for at, each in enumerate(value):
            yield from faults(each, item, f"{pointer}/{at}")


def _member_faults(
    value: Mapping[str, object], shape: type[msgspec.Struct], pointer: str
) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name, field in fields.items():
        if name in value:
            yield from faults(value[name], field.type, f"{pointer}/{escape(name)}")
        elif field.required:
            yield Fault(f"{pointer}/{escape(name)}", "This field is required.")
    for name in value:
        if name not in fields:
            yield Fault(f"{pointer}/{escape(name)}", "There is no field of this name.")


def _bare(hint: Any) -> Any:
    """Return a type without its annotations, and of an optional type the one that is not absent."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) not in {Union, types.UnionType}:
        return hint
    arms = [a for a in typing.get_args(hint) if a not in {type(None), msgspec.UnsetType}]
    return _bare(arms[0]) if len(arms) == 1 else hint


def _located(message: str, pointer: str) -> Fault:
    """Return msgspec's fault; `$.a[0]` at its end is a place below the pointer."""
    detail, _, path = message.partition(" - at `$")
    below = path.rstrip("`").replace("[...]", "").replace("[", ".").replace("]", "")
    return Fault(pointer + below.replace(".", "/"), detail + ".")


def _summary(count: int) -> str:
    return "One value is wrong." if count == 1 else f"{count} values are wrong."
