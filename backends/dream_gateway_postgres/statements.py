"""Named SQL statements, read from the files beside the code."""

from __future__ import annotations

from importlib.resources import files

MARK = "-- name: "


def load(filename: str) -> dict[str, str]:
    """Return the statements of one file by name, in the file's order, without their comments."""
    text = files("dream_gateway_postgres").joinpath(filename).read_text(encoding="utf-8")
    statements = {}
    for section in text.split(MARK)[1:]:
        name, _, body = section.partition("\n")
        lines = [line for line in body.splitlines() if line and not line.startswith("--")]
        statements[name.strip()] = "\n".join(lines).rstrip(";")
    return statements
