"""Compares requests and answers with their types, and gives a request's texts their types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.contract.shapes import (
    Either,
    Many,
    Nothing,
    OneOf,
    Page,
    Plain,
    Record,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway_stripe.testing.contract.operations import Contract, Operation
    from dream_gateway_stripe.testing.contract.shapes import Shape

_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_JSON: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "Decimal": (str,),
}


class Violation(Exception):  # noqa: N818
    """Something is not as the library's types have it: `where`, and `what` is wrong."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


def read_params(contract: Contract, operation: Operation, sent: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent with the types declared for it. Raises `Violation`."""
    if operation.params is None:
        if sent:
            raise Violation(next(iter(sent)), "unknown parameter")
        return {}
    read: dict[str, Any] = _Reader(contract).record(operation.params, sent, "")
    return read


def check_answer(contract: Contract, operation: Operation, answer: object) -> None:
    """Raise `Violation` unless an answer is as declared."""
    _Checker(contract).check(operation.answer, answer, "")


def _under(where: str, name: object) -> str:
    return f"{where}[{name}]" if where else str(name)


class _Reader:
    """Reads the texts of a form."""

    def __init__(self, contract: Contract) -> None:
        self._fields = contract.sources.fields

    def read(self, shape: Shape, value: Any, where: str) -> Any:
        """Return a value with its types."""
        match shape:
            case Either(options=options):
                return self._either(options, value, where)
            case OneOf(values=values):
                return _one_of(values, value, where)
            case Plain(type=kind):
                return _plain(kind, value, where)
            case Record():
                return self.record(shape, _object(value, where), where)
            case _:
                return self._several(shape, value, where)

    def _several(self, shape: Shape, value: Any, where: str) -> Any:
        if isinstance(shape, Many):
            found = enumerate(_list(value, where))
            return [self.read(shape.item, each, _under(where, at)) for at, each in found]
        if isinstance(shape, Table):
            table = _object(value, where)
            return {k: self.read(shape.item, v, _under(where, k)) for k, v in table.items()}
        return value

    def record(self, shape: Record, value: dict[str, Any], where: str) -> dict[str, Any]:
        fields = self._fields(shape)
        for name in value:
            if name not in fields:
                raise Violation(_under(where, name), "unknown parameter")
        for name, field in fields.items():
            if field.required and name not in value:
                raise Violation(_under(where, name), "required parameter is missing")
        return {k: self.read(fields[k].shape, v, _under(where, k)) for k, v in value.items()}

    def _either(self, options: tuple[Shape, ...], value: Any, where: str) -> Any:
        deepest: Violation | None = None
        for option in options:
            try:
                return self.read(option, value, where)
            except Violation as violation:
                if deepest is None or len(violation.where) > len(deepest.where):
                    deepest = violation
        raise deepest or Violation(where, "is of none of the types it may have")


class _Checker:
    """Checks the values of an answer."""

    def __init__(self, contract: Contract) -> None:
        self._fields = contract.sources.fields

    def check(self, shape: Shape, value: Any, where: str) -> None:
        """Raise `Violation` unless a value is of a shape."""
        match shape:
            case Either(options=options):
                self._either(options, value, where)
            case Record():
                self._record(shape, _object(value, where), where)
            case Many(item=item):
                for at, each in enumerate(_list(value, where)):
                    self.check(item, each, _under(where, at))
            case Table(item=item):
                for name, each in _object(value, where).items():
                    self.check(item, each, _under(where, name))
            case Page(item=item):
                self._page(item, value, where)
            case _:
                _check_single(shape, value, where)

    def _either(self, options: tuple[Shape, ...], value: Any, where: str) -> None:
        deepest: Violation | None = None
        for option in options:
            try:
                return self.check(option, value, where)
            except Violation as violation:
                if deepest is None or len(violation.where) > len(deepest.where):
                    deepest = violation
        raise deepest or Violation(where, "is of none of the types it may have")

    def _page(self, item: Shape, value: Any, where: str) -> None:
        page = _object(value, where)
        if page.get("object") not in ("list", "search_result"):
            raise Violation(_under(where, "object"), "is no list")
        if not isinstance(page.get("has_more"), bool) or not isinstance(page.get("url"), str):
            raise Violation(where, "a list has has_more and url")
        self.check(Many(item), page.get("data"), _under(where, "data"))

    def _record(self, shape: Record, value: dict[str, Any], where: str) -> None:
        fields = self._fields(shape)
        gone = value.get("deleted") is True
        for name, each in value.items():
            if name not in fields:
                raise Violation(_under(where, name), f"no field of {shape.path}")
            self.check(fields[name].shape, each, _under(where, name))
        for name, field in fields.items():
            if field.required and name not in value and not gone:
                raise Violation(_under(where, name), f"field of {shape.path} is missing")


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_READ: dict[str, Callable[[str], Any]] = {
    "str": lambda text: text,
    "int": lambda text: int(text) if _WHOLE.fullmatch(text) else None,
    "float": lambda text: float(text) if _DECIMAL.fullmatch(text) else None,
    "bool": {"true": True, "false": False}.get,
    "Decimal": lambda text: text if _DECIMAL.fullmatch(text) else None,
}


def _plain(kind: str, value: Any, where: str) -> Any:
    read = _READ[kind](value) if isinstance(value, str) else None
    if read is None:
        raise Violation(where, f"is no {kind}")
    return read


def _one_of(values: tuple[object, ...], value: Any, where: str) -> object:
    named = {_spelled(each): each for each in values}
    if not isinstance(value, str) or value not in named:
        raise Violation(where, f"must be one of {', '.join(map(str, values))}")
    return named[value]


def _check_single(shape: Shape, value: Any, where: str) -> None:
    if isinstance(shape, OneOf) and value not in shape.values:
        raise Violation(where, f"{value!r} is none of {shape.values}")
    if isinstance(shape, Nothing) and value is not None:
        raise Violation(where, f"{value!r} is not null")
    if isinstance(shape, Plain):
        wrong = isinstance(value, bool) and shape.type != "bool"
        if wrong or not isinstance(value, _JSON[shape.type]):
            raise Violation(where, f"{value!r} is no {shape.type}")


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Violation(where, "is no list")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Violation(where, "is no object")
    return value
