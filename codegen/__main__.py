"""Write the client's made modules; with `--check`, say whether they are as they would be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen import shapes
from codegen.classes import ASYNC, SYNC, module
from codegen.document import document
from codegen.methods import method
from codegen.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "gateway/dream_gateway/client/made"


def modules() -> dict[str, str]:
    """Return the text of each module, by its name, formatted."""
    described = document()
    methods = [method(route, described) for route in ROUTES]
    schemas = described["components"]["schemas"]
    operations = [described["paths"][route.path][route.method.lower()] for route in ROUTES]
    wanted = {name for each in operations for name in _kept(each, schemas)}
    mentioned = " ".join(
        text
        for each in methods
        for text in (each.answer or "", each.item or "", *(p.kind for p in each.parameters))
    )
    named = [name for name in sorted(schemas) if _mentions(mentioned, name)]
    made = {
        "shapes.py": shapes.module(schemas, wanted),
        "blocking.py": module(methods, SYNC, named),
        "asynchronous.py": module(methods, ASYNC, named),
    }
    return {name: formatted(name, text) for name, text in made.items()}


def _mentions(text: str, name: str) -> bool:
    separated = "".join(c if c.isalnum() else " " for c in text)
    return name in separated.split()


def _kept(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    """Yield what an operation needs by name: all but its body, whose fields are parameters."""
    yield from shapes.references(operation["responses"])
    for body in shapes.references(operation.get("requestBody", {})):
        yield from shapes.references(schemas[body])


def formatted(name: str, text: str) -> str:
    """Return a module as ruff has it: imports that nothing needs are left out."""
    ruff = [sys.executable, "-m", "ruff"]
    named = ["--stdin-filename", str(FOLDER / name), "-"]
    for command in (["check", "--fix", "--quiet", *named], ["format", "--quiet", *named]):
        ran = subprocess.run(  # noqa: S603 # the arguments are above
            [*ruff, *command], input=text, capture_output=True, text=True, check=False
        )
        text = ran.stdout or text
    return text


def main(arguments: list[str]) -> int:
    """Return the exit status: 1 if something is not as it should be."""
    stale = []
    for name, text in modules().items():
        path = FOLDER / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text)
    print(*(f"stale: {name}" for name in stale), sep="\n") if stale else None  # noqa: T201 # a command
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
