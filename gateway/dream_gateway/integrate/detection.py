"""Which frameworks a project uses, told by its manifests, its imports and its configuration."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Sign = Callable[[Mapping[str, str]], bool]


def detect(tree: Mapping[str, str]) -> tuple[str, ...]:
    """Return the frameworks found: applications', or if there are none, front proxies'."""
    applications = tuple(name for name, sign in APPLICATIONS.items() if sign(tree))
    return applications or tuple(name for name, sign in PROXIES.items() if sign(tree))


def base(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def _python(package: str) -> Sign:
    required = re.compile(rf"(?im)^\s*{package}(?![\w.-])")
    imported = re.compile(rf"(?m)^\s*(?:from|import)\s+{package}\b")

    def sign(tree: Mapping[str, str]) -> bool:
        return any(
            required.search(_requirements(path, text))
            or (path.endswith(".py") and imported.search(text))
            for path, text in tree.items()
        )

    return sign


def _requirements(path: str, text: str) -> str:
    """Return what a file says that the project requires, a line each."""
    name = base(path)
    if re.fullmatch(r"requirements.*\.(txt|in)|Pipfile", name):
        return text
    if name != "pyproject.toml":
        return ""
    try:
        told = tomllib.loads(text)
        poetry = told.get("tool", {}).get("poetry", {}).get("dependencies", {})
        return "\n".join([*told.get("project", {}).get("dependencies", []), *poetry])
    except (ValueError, AttributeError, TypeError):
        return ""


def _npm(package: str) -> Sign:
    return lambda tree: any(package in dependencies(text) for text in manifests(tree))


def manifests(tree: Mapping[str, str]) -> list[str]:
    """Return the texts of all `package.json`."""
    return [text for path, text in tree.items() if base(path) == "package.json"]


def dependencies(manifest: str) -> dict[str, str]:
    """Return what a `package.json` depends on, and in which versions; nothing of a broken one."""
    try:
        told = json.loads(manifest)
        tables = [told.get(name, {}) for name in ("dependencies", "devDependencies")]
        return {name: str(version) for table in tables for name, version in table.items()}
    except (ValueError, AttributeError):
        return {}


def _files(name: str, text: str) -> Sign:
    named, says = re.compile(name), re.compile(text, re.MULTILINE)
    return lambda tree: any(named.fullmatch(base(p)) and says.search(t) for p, t in tree.items())


YAML = r".+\.ya?ml"
FORWARDS = r"(?m)^[^#\n]*\bproxy_pass\s"

APPLICATIONS: Mapping[str, Sign] = {
    "fastapi": _python("fastapi"),
    "flask": _python("flask"),
    "django": _python("django"),
    "litestar": _python("litestar"),
    "express": _npm("express"),
    "hono": _npm("hono"),
    "next": _npm("next"),
    "go": _files(r".+\.go", r'^\s*(?:import\s+)?"net/http"'),
}

PROXIES: Mapping[str, Sign] = {
    "nginx": _files(r".+\.conf", FORWARDS),
    "caddy": _files(r"Caddyfile|.+\.caddyfile", r""),
    "traefik": _files(YAML + r"|.+\.toml", r"^\[?(?:entryPoints|http\.routers)|^ +routers:\s*$"),
    "envoy": _files(YAML, r"envoy\.filters\.network\.http_connection_manager"),
}
"""Asked only where there is no application: to guard both would charge a request twice."""
