"""Every call that stripe-python can make: method and path, parameters and answer."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.contract.shapes import Either, Record, Shape
from dream_gateway_stripe.testing.contract.sources import Module, Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE = re.compile(r"\{[a-z_]+\}")
BY_HAND = (
    # The library asks for these without a service class that would have types.
    ("post", "/oauth/token", "OAuth.OAuthTokenParams", "OAuth.OAuthToken"),
    ("post", "/oauth/deauthorize", "OAuth.OAuthDeauthorizeParams", "OAuth.OAuthDeauthorization"),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. `template` has a name in braces for each part that differs."""

    method: str
    template: str
    params: Record | None
    answer: Shape

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its paths look like."""
        return re.compile(_PLACE.sub("([^/]+)", self.template))


class Contract:
    """What stripe-python says of its calls."""

    def __init__(self) -> None:
        self.sources = Sources()

    @cached_property
    def operations(self) -> dict[tuple[str, str], Operation]:
        """Every call by method and template."""
        oauth = "stripe._oauth"
        found = {
            (method, path): Operation(method, path, Record(oauth, params), Record(oauth, answer))
            for method, path, params, answer in BY_HAND
        }
        for path in sorted(self.sources.folder.rglob("*_service.py")):
            place = path.relative_to(self.sources.folder.parent).with_suffix("")
            module = self.sources.module(".".join(place.parts))
            for operation in self._calls(module):
                found[operation.method, operation.template] = operation
        return found

    @cached_property
    def _ordered(self) -> list[tuple[re.Pattern[str], Operation]]:
        """Operations with the fewest open places first: `/search` is no id."""
        found = sorted(self.operations.values(), key=lambda each: each.template.count("{"))
        return [(each.pattern, each) for each in found]

    def find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
        """Return the operation of a request and the parts of its path that differ."""
        for pattern, operation in self._ordered:
            if operation.method == method and (found := pattern.fullmatch(path)):
                return operation, found.groups()
        return None

    def _calls(self, module: Module) -> Iterator[Operation]:
        for found in module.classes.values():
            for function in found.body:
                if isinstance(function, ast.FunctionDef) and function.returns is not None:
                    yield from self._call(module, function)

    def _call(self, module: Module, function: ast.FunctionDef) -> Iterator[Operation]:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._request":
                method = ast.literal_eval(node.args[0])
                template = _template(node.args[1])
                if template is not None and function.returns is not None:
                    answer = self.sources.shape(module, "", function.returns)
                    yield Operation(method, template, self._params(module, function), answer)

    def _params(self, module: Module, function: ast.FunctionDef) -> Record | None:
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.arg == "params" and argument.annotation is not None:
                shape = self.sources.shape(module, "", argument.annotation)
                options = shape.options if isinstance(shape, Either) else (shape,)
                return next((each for each in options if isinstance(each, Record)), None)
        return None


def _template(node: ast.expr) -> str | None:
    """Return the path of a call, of `"..."` or of `"...{x}...".format(x=...)`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
