"""Adds a call to a Python module, after the one statement that makes its application."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dream_gateway.integrate.plan import UnsafeError

if TYPE_CHECKING:
    from collections.abc import Iterable

GUARD = "dream_gateway_guard"
"""The module that is written."""


def guarded(source: str, maker: str, call: str, *, package: bool, at_end: bool = False) -> str:
    """Return `source` with `call`, where `{app}` is the application that `maker(...)` returns.

    The call comes right after that statement, or `at_end` of the module. `package` says whether the
    module is in one. A source that imports the guard already is returned as it is. Raises
    `UnsafeError` for one in which the place is not certain.
    """
    tree = parsed(source)
    if _imports_guard(tree):
        return source
    made = _only_assignment(tree, maker)
    lines = source.splitlines(keepends=True)
    app = made.targets[0].id if isinstance(made.targets[0], ast.Name) else ""
    place, indent = made.end_lineno or made.lineno, " " * made.col_offset
    if at_end:
        if made not in tree.body:
            raise UnsafeError(f"makes its {maker} application inside a function")
        place, indent = _end(tree, lines), ""
    text = f"{indent}{call.format(app=app)}\n"
    new = [*lines[:place], *(["\n", text, "\n"] if at_end and place < len(lines) else [text])]
    if new[place - 1][-1:] not in "\r\n":
        new[place - 1] += "\n"
    new += lines[place:]
    imports = _import_line(tree)
    new.insert(imports, f"from {'.' if package else ''}{GUARD} import guard\n")
    after = "".join(new)
    ast.parse(after)
    return after.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in source else after


def with_first(source: str, name: str, element: str, behind: str) -> str:
    """Return `source` with a text as the first of the list `name`, or behind one that ends so."""
    tree = parsed(source)
    if element in source:
        return source
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.List)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == [name]
    ]
    if len(lists) != 1 or not lists[0].elts or lists[0].elts[0].lineno == lists[0].lineno:
        raise UnsafeError(f"has no {name} that is one list, with a line for each element")
    first = lists[0].elts[0]
    leads = isinstance(first, ast.Constant) and str(first.value).endswith(behind)
    place = (first.end_lineno or first.lineno) if leads else first.lineno - 1
    lines = source.splitlines(keepends=True)
    if leads and not lines[place - 1].rstrip().endswith(","):
        raise UnsafeError(f"has a {name} whose first element shares its line")
    lines.insert(place, f'{" " * first.col_offset}"{element}",\n')
    return "".join(lines)


def parsed(source: str) -> ast.Module:
    """Return the syntax tree; raises `UnsafeError` for what is no Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UnsafeError("is not valid Python") from error


def makes(source: str, maker: str) -> bool:
    """Tell whether a module assigns what `maker(...)` returns."""
    try:
        return bool(list(_assignments(parsed(source), maker)))
    except UnsafeError:
        return False


def _assignments(tree: ast.Module, maker: str) -> Iterable[ast.Assign]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == maker:
                yield node


def _only_assignment(tree: ast.Module, maker: str) -> ast.Assign:
    found = list(_assignments(tree, maker))
    if (
        len(found) != 1
        or len(found[0].targets) != 1
        or not isinstance(found[0].targets[0], ast.Name)
    ):
        raise UnsafeError(f"does not assign {maker}(...) to one name exactly once")
    starts = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.stmt) and n is not found[0]]
    if found[0].end_lineno in starts or found[0].lineno in starts:
        raise UnsafeError(f"has more than {maker}(...) on that line")
    return found[0]


def _imports_guard(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and (node.module or "").endswith(GUARD)
        for node in ast.walk(tree)
    )


def _import_line(tree: ast.Module) -> int:
    """Return after how many lines an import may stand: behind the imports at the top."""
    place = 0
    for at, node in enumerate(tree.body):
        is_docstring = at == 0 and isinstance(node, ast.Expr)
        if not is_docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        place = node.end_lineno or node.lineno
    return place


def _end(tree: ast.Module, lines: list[str]) -> int:
    """Return after how many lines the module is over, but for what it does when it is run."""
    last = tree.body[-1]
    if isinstance(last, ast.If) and "__main__" in ast.unparse(last.test):
        return last.lineno - 1
    return len(lines)
