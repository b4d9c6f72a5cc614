"""What a value may look like, as read from an annotation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anything:
    """A value of which nothing is said."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of one of JSON's plain types: `str`, `int`, `float`, `bool` or `Decimal`."""

    type: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few given values."""

    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, as an object."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping with keys of the caller's choice."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Record:
    """An object with declared fields: a class, by its module and its name within it."""

    module: str
    path: str


@dataclass(frozen=True, slots=True)
class Either:
    """A value of any of several shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value."""


Shape = Anything | Plain | OneOf | Many | Page | Table | Record | Either | Nothing


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, and whether it has to be there."""

    shape: Shape
    required: bool


def either(options: list[Shape]) -> Shape:
    """Return the union of shapes.

    The library writes `Literal[...] | str` for values that may be added later. Read strictly these
    are the literals alone; where the one literal is the empty text, which unsets, any text may come.
    """
    flat: list[Shape] = []
    for option in options:
        flat.extend(option.options if isinstance(option, Either) else [option])
    strict = any(isinstance(each, OneOf) and set(each.values) != {""} for each in flat)
    kept = [each for each in flat if not (strict and each == Plain("str"))]
    # The loosest comes last: a text that is a number is a number, if it may be one.
    kept.sort(key=lambda each: isinstance(each, Plain) and each.type == "str")
    return kept[0] if len(kept) == 1 else Either(tuple(kept))
