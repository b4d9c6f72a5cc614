"""Every call that stripe-python can make: method and path, parameters and answer."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache, cached_property
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
    """What stripe-python says of its calls. Its modules are parsed when they are asked about."""

    def __init__(self) -> None:
        self.sources = Sources()
        self.below = cache(self._below)

    @property
    def operations(self) -> dict[tuple[str, str], Operation]:
        """Every call by method and template."""
        return {(each.method, each.template): each for _, each in self.below("/")}

    def find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
        """Return the operation of a request and the parts of its path that differ."""
        resource = "/".join(path.split("/")[:3])
        for pattern, operation in self.below(resource):
            if operation.method == method and (found := pattern.fullmatch(path)):
                return operation, found.groups()
        return None

    @cached_property
    def _services(self) -> dict[str, str]:
        """The text of each module of services."""
        folder = self.sources.folder
        return {
            ".".join(path.relative_to(folder.parent).with_suffix("").parts): path.read_text()
            for path in sorted(folder.rglob("*_service.py"))
        }

    def _below(self, start: str) -> list[tuple[re.Pattern[str], Operation]]:
        """Return the operations whose path begins so.

        Those with the fewest open places come first: `/search` is no id.
        """
        oauth = "stripe._oauth"
        found = [
            Operation(method, path, Record(oauth, params), Record(oauth, answer))
            for method, path, params, answer in BY_HAND
        ]
        for name, text in self._services.items():
            if f'"{start}' in text:
                found.extend(self._calls(self.sources.module(name)))
        found.sort(key=lambda each: each.template.count("{"))
        return [(each.pattern, each) for each in found]

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
