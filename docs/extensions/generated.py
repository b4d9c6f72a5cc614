"""The directive `generated`: reference that is read from the code each time the pages are made.

    ```{generated} routes
    ```

`routes` is every operation of the service with its fields and answers, `commands` every command with its
options, `errors` every code with its status and sentence.
"""

from __future__ import annotations

from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click
from sphinx.util.docutils import SphinxDirective

from dream_gateway import errors
from dream_gateway.cli.root import root
from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.plugins import Plugins
from dream_gateway.service.openapi import openapi
from dream_gateway.service.table import operations
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from docutils.nodes import Node
    from sphinx.application import Sphinx

USERS = {"issuer": "https://clerk.example.com", "webhook_secret": "whsec_c2VjcmV0"}
"""A plugin's settings with which every route is there."""


def routes() -> Iterator[str]:
    """Yield a section for each operation: what it takes, and what it answers."""
    document = openapi(operations(_host(), RateLimitHeaders()))
    schemas = document.components["schemas"]
    for path, methods in sorted(document.paths.items()):
        for method, operation in methods.items():
            yield f"## `{method.upper()} {path}`"
            yield operation["summary"]
            yield f"**Credentials**: {_credentials(operation)}"
            yield from _table(
                ("parameter", "in", "type", "required"),
                [
                    (f"`{p['name']}`", p["in"], _kind(p["schema"]), _yes(p["required"]))
                    for p in operation["parameters"]
                ],
            )
            if "requestBody" in operation:
                yield "**Body**"
                yield from _fields(schemas, operation["requestBody"]["content"])
            for status, answer in operation["responses"].items():
                yield f"**{status}** {answer['description']}"
                if status < "300":
                    yield from _fields(schemas, answer.get("content", {}))


def commands() -> Iterator[str]:
    """Yield a section for each command: its help, and its options."""
    for words, command in _commands(root, "dream-gateway"):
        yield f"## `{words}`"
        yield command.help or ""
        options = [each for each in command.params if isinstance(each, click.Option)]
        rows = [(f"`{', '.join(each.opts)}`", each.help or "") for each in options]
        yield from _table(("option", "what it is"), rows)


def codes() -> Iterator[str]:
    """Yield a table of every error with a code of its own."""
    rows = [
        (f"`{kind.code}`", f"{kind.status} {HTTPStatus(kind.status).phrase}", kind.__name__)
        for kind in _tree(errors.GatewayError)
        if "code" in vars(kind)
    ]
    yield from _table(("code", "status", "raised as"), sorted(rows))


SOURCES: dict[str, Callable[[], Iterator[str]]] = {
    "routes": routes,
    "commands": commands,
    "errors": codes,
}


class Generated(SphinxDirective):
    """Puts what one of `SOURCES` yields in its place, as Markdown."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[Node]:
        """Return the nodes; raises `KeyError` for a source that there is not."""
        text = "\n\n".join(SOURCES[self.arguments[0]]())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True}


def _host() -> Any:
    """Return what the operations are bound to, none of which is called here."""
    return cast(
        "Any",
        SimpleNamespace(
            admission=None,
            directory=None,
            clock=None,
            health=None,
            plugins=Plugins({"clerk": {"users": USERS}}),
            settings=Settings(),
            exchanges=(),
            billing=SimpleNamespace(provider=SimpleNamespace(name="stripe")),
        ),
    )


def _credentials(operation: dict[str, Any]) -> str:
    ways = [" with ".join(f"`{name}`" for name in way) for way in operation["security"]]
    return ", or ".join(ways) or "none"


def _fields(schemas: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    for media in content.values():
        name = media["schema"]["$ref"].rpartition("/")[2]
        shape = schemas[name]
        required = shape.get("required", ())
        yield from _table(
            ("field", "type", "required"),
            [
                (f"`{field}`", _kind(schema), _yes(field in required))
                for field, schema in shape.get("properties", {}).items()
            ],
        )


def _kind(schema: dict[str, Any]) -> str:
    """Return a JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items') or {})}"
    return str(schema.get("type", "anything"))


def _yes(required: bool) -> str:
    return "yes" if required else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        lines = [heads, ["---"] * len(heads), *rows]
        yield "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _commands(group: click.Group, words: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{words} {name}")
        elif command is not None:
            yield f"{words} {name}", command


def _tree(kind: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _tree(each)
