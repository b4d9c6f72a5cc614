"""Reads the types that stripe-python declares, from its source: nothing of it is imported or run."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.contract.shapes import (
    Anything,
    Field,
    Many,
    Nothing,
    OneOf,
    Page,
    Plain,
    Record,
    Shape,
    Table,
    either,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = {"str": "str", "int": "int", "float": "float", "bool": "bool", "Decimal": "Decimal"}
GENERIC: dict[str, Callable[[Shape], Shape]] = {
    "NotRequired": lambda inner: inner,
    "ClassVar": lambda inner: inner,
    "Optional": lambda inner: either([inner, Nothing()]),
    "ExpandableField": lambda inner: either([inner, Plain("str")]),
    "List": Many,
    "Sequence": Many,
    "Dict": Table,
    "Mapping": Table,
    "UntypedStripeObject": Table,
    "ListObject": Page,
    "SearchResultObject": Page,
}
"""What the library's generic types make of the last of their arguments."""


class Sources:
    """The library's modules, each parsed once."""

    def __init__(self) -> None:
        spec = find_spec("stripe")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError("stripe is not installed")
        self.folder = Path(spec.submodule_search_locations[0])
        self.module = cache(self._module)
        self.fields = cache(self._fields)

    def _module(self, name: str) -> Module:
        """Parse a module, such as `stripe._price`."""
        place = self.folder.joinpath(*name.split(".")[1:])
        path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        return Module(name, ast.parse(path.read_text()))

    def _fields(self, record: Record) -> dict[str, Field]:
        """Return the fields of a class, with those it inherits within its module."""
        module = self.module(record.module)
        found = module.classes[record.path]
        fields: dict[str, Field] = {}
        for base in found.bases:
            name = ast.unparse(base)
            if name in module.classes:
                fields |= self.fields(Record(record.module, name))
            elif name in module.functional:
                fields |= self._functional(module, name)
        aliases = _aliases(found)
        for line in found.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                name = line.target.id
                if not name.startswith("_") and name != "OBJECT_NAME":
                    field = self._field(module, record.path, line.annotation)
                    fields[aliases.get(name, name)] = field
        return fields

    def _functional(self, module: Module, name: str) -> dict[str, Field]:
        """Return the fields of a `TypedDict("...", {...})`: names that are words of the language."""
        table = module.functional[name]
        return {
            str(ast.literal_eval(key)): self._field(module, "", value)
            for key, value in zip(table.keys, table.values, strict=True)
            if key is not None
        }

    def _field(self, module: Module, scope: str, annotation: ast.expr) -> Field:
        outer = ast.unparse(annotation)
        required = not outer.startswith(("NotRequired", "Optional"))
        return Field(self.shape(module, scope, annotation), required)

    def shape(self, module: Module, scope: str, node: ast.expr) -> Shape:
        """Return what an annotation within a class of a module says."""
        match node:
            case ast.Constant(value=str() as text):
                return self.shape(module, scope, ast.parse(text, mode="eval").body)
            case ast.Constant(value=None):
                return Nothing()
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return either([self.shape(module, scope, side) for side in (left, right)])
            case ast.Subscript(value=value, slice=inner):
                return self._generic(module, scope, ast.unparse(value), inner)
            case _:
                return self._named(module, scope, ast.unparse(node))

    def _generic(self, module: Module, scope: str, name: str, inner: ast.expr) -> Shape:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Literal":
            return OneOf(tuple(ast.literal_eval(part) for part in parts))
        if name == "Union":
            return either([self.shape(module, scope, part) for part in parts])
        make = GENERIC.get(name)
        return make(self.shape(module, scope, parts[-1])) if make else Anything()

    def _named(self, module: Module, scope: str, name: str) -> Shape:
        if name in PLAIN:
            return Plain(PLAIN[name])
        around = scope.split(".") if scope else []
        for depth in range(len(around), -1, -1):
            path = ".".join([*around[:depth], name])
            if path in module.classes:
                return Record(module.name, path)
        if name in module.imports:
            return Record(module.imports[name], name)
        return Anything()


class Module:
    """What one module declares: its classes by dotted name, and where others come from."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.classes: dict[str, ast.ClassDef] = {}
        self.functional: dict[str, ast.Dict] = {}
        self.imports: dict[str, str] = {}
        self._classes(tree.body, "")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe."):
                self.imports |= {each.asname or each.name: str(node.module) for each in node.names}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                table = node.value.args[-1] if node.value.args else None
                if isinstance(table, ast.Dict):
                    self.functional[ast.unparse(node.targets[0])] = table

    def _classes(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self.classes[prefix + node.name] = node
                self._classes(node.body, f"{prefix}{node.name}.")


def _aliases(found: ast.ClassDef) -> dict[str, str]:
    """Return what fields are called on the wire that have another name in the language."""
    for line in found.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "_field_remappings":
            table: dict[str, str] = ast.literal_eval(line.value)
            return table
    return {}
