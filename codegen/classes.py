"""The module of one class of the client: written in either colour, synchronous or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen.methods import groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.methods import Method, Parameter

_HEAD = '''\
"""The {colour} methods, one for each route. Made by `scripts/client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dream_gateway.client.auth_pages import AuthPages
from dream_gateway.client.call import OMIT, Call, Omit, path

if TYPE_CHECKING:
    from collections.abc import {abstract}
    from datetime import datetime

    from dream_gateway.client.made.shapes import {shapes}

    Ask = Callable[[Call], {asked}]


class Group:
    """Methods about one thing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
'''


@dataclass(frozen=True, slots=True)
class Colour:
    """What differs between the two classes."""

    name: str
    define: str
    wait: str
    prefix: str
    iterator: str
    asked: str
    abstract: str
    each: str


SYNC = Colour(
    "synchronous",
    "def",
    "",
    "",
    "Iterator",
    "Any",
    "Callable, Iterator, Sequence",
    '            yield from page["data"]',
)
ASYNC = Colour(
    "asynchronous",
    "async def",
    "await ",
    "Async",
    "AsyncIterator",
    "Awaitable[Any]",
    "AsyncIterator, Awaitable, Callable, Sequence",
    '            for each in page["data"]:\n                yield each',
)


def module(methods: Sequence[Method], colour: Colour, shapes: Sequence[str]) -> str:
    """Return the module's text, to be formatted."""
    head = _HEAD.format(
        colour=colour.name,
        abstract=colour.abstract,
        asked=colour.asked,
        shapes=", ".join(shapes),
    )
    found = groups(methods)
    own = found.pop("")
    classes = [_group(name, each, colour) for name, each in found.items()]
    return "\n\n".join([head, *classes, _client(list(found), own, colour)]) + "\n"


def _class_name(group: str, colour: Colour) -> str:
    words = "".join(word.capitalize() for word in group.split("_"))
    return f"{colour.prefix}{words}Methods"


def _group(name: str, methods: Sequence[Method], colour: Colour) -> str:
    bases = "AuthPages, Group" if name == "auth" else "Group"
    about = name.replace("_", " ")
    lines = [
        f"class {_class_name(name, colour)}({bases}):",
        f'    """Methods about {about}."""',
        "",
    ]
    if name == "auth":
        lines += [
            "    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:",
            "        AuthPages.__init__(self, base_url, publishable_key)",
            "        Group.__init__(self, ask)\n",
        ]
    for each in methods:
        lines.append(_method(each, colour))
        if each.item is not None:
            lines.append(_iterate(each, colour))
    return "\n".join(lines)


def _client(names: Sequence[str], own: Sequence[Method], colour: Colour) -> str:
    lines = [
        f"class {colour.prefix}Methods(Group):",
        '    """All methods, by what they are about."""\n',
        "    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:",
        "        super().__init__(ask)",
    ]
    for name in names:
        more = ", base_url, publishable_key" if name == "auth" else ""
        lines.append(f"        self.{name} = {_class_name(name, colour)}(ask{more})")
    return "\n".join([*lines, "", *(_method(each, colour) for each in own)])


def _signature(parameters: Sequence[Parameter]) -> str:
    by_name = [each.declared for each in parameters if each.where == "path"]
    rest = sorted(
        (each for each in parameters if each.where != "path"),
        key=lambda each: (not each.required, each.where == "header"),
    )
    keywords = ["*", *(each.declared for each in rest)] if rest else []
    return ", ".join(["self", *by_name, *keywords])


def _method(method: Method, colour: Colour) -> str:
    route = method.route
    answer = method.answer or "None"
    lines = [
        f"    {colour.define} {route.name}({_signature(method.parameters)}) -> {answer}:",
        f'        """{method.summary}.\n\n        `{route.method} {route.path}`\n        """',
        f"        call = {_call(method)}",
    ]
    if method.answer is None:
        lines.append(f"        {colour.wait}self._ask(call)")
    else:
        lines.append(f"        answer: {answer} = {colour.wait}self._ask(call)")
        lines.append("        return answer")
    return "\n".join(lines) + "\n"


def _call(method: Method) -> str:
    route = method.route
    names = ", ".join(each.name for each in method.of("path"))
    where = f'path("{route.path}", {names})' if names else f'"{route.path}"'
    parts = [f'"{route.method}"', where]
    for place in ("query", "header", "body"):
        given = [each for each in method.of(place) if not each.nullable]
        if given:
            parts.append(f"{place}={_dict(given)}")
    nullable = [each for each in method.of("body") if each.nullable]
    if nullable:
        parts.append(f"nullable={_dict(nullable)}")
    if route.repeatable:
        parts.append("repeatable=True")
    return f"Call({', '.join(parts)})"


def _dict(parameters: Sequence[Parameter]) -> str:
    return "{" + ", ".join(f'"{each.key}": {each.name}' for each in parameters) + "}"


def _iterate(method: Method, colour: Colour) -> str:
    parameters = [each for each in method.parameters if each.key != "cursor"]
    passed = [
        each.name if each.where == "path" else f"{each.name}={each.name}" for each in parameters
    ]
    asked = ", ".join([*passed, "cursor=cursor"])
    name = method.route.name.removeprefix("list").removeprefix("_")
    name = f"iterate_{name}" if name else "iterate"
    lines = [
        f"    {colour.define} {name}({_signature(parameters)}) -> {colour.iterator}[{method.item}]:",
        f'        """{method.summary}, page after page of `limit` each."""',
        "        cursor: str | None = None",
        "        while True:",
        f"            page = {colour.wait}self.{method.route.name}({asked})",
        colour.each,
        '            cursor = page["nextCursor"]',
        "            if cursor is None:",
        "                return",
    ]
    return "\n".join(lines) + "\n"
