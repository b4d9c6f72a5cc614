"""Plans for JavaScript and TypeScript: a module of the gateway's, used where the app is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.integrate.detection import base, dependencies, manifests
from dream_gateway.integrate.plan import ByHand, Plan, UnsafeError, only
from dream_gateway.integrate.python_plans import verify_steps
from dream_gateway.integrate.script_source import GUARD, SUFFIXES, Script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.integrate.rendering import Templates

PROXY_SINCE = 16
"""The version of Next.js since when the file is `proxy` and no longer `middleware`."""


@dataclass(frozen=True, slots=True)
class ScriptApp:
    """A framework whose application is made by what `maker` matches."""

    name: str
    maker: str

    def plan(self, tree: Mapping[str, str], templates: Templates) -> Plan:
        """Return what to do to a project that uses it."""
        plan = Plan(self.name, steps=verify_steps(templates, install=""))
        found = {
            path: script
            for path, text in sorted(tree.items())
            if (script := Script(_suffix(path), text, self.name, self.maker)).makes
            and script.suffix in SUFFIXES
            and not re.search(r"(^|/)tests?/|\.(test|spec)\.", path)
        }
        path, script = next(iter(found.items()), ("", Script(".mjs", "import", "", "")))
        folder = path.rpartition("/")[0] if len(found) == 1 else ""
        dialect = {"typescript": script.typescript, "module": script.module}
        guard = f"{folder}/{script.guard}" if folder else script.guard
        plan.add(tree, guard, templates.render(f"{self.name}.js", **dialect))
        try:
            only(list(found))
            plan.change(path, script.text, script.guarded())
        except UnsafeError as why:
            where = path if len(found) == 1 else "the module that makes the application"
            lines = script.taken_in('"";') + "\n\napp.use(guard);\n"
            plan.by_hand.append(ByHand(where, str(why), lines))
        return plan


EXPRESS = ScriptApp("express", r"express\(\)")
HONO = ScriptApp("hono", r"new\s+Hono(?:<[^\n]*>)?\(\)")


def next_js(tree: Mapping[str, str], templates: Templates) -> Plan:
    """Return the plan for Next.js: a file of a name that it looks for."""
    plan = Plan("next", steps=verify_steps(templates, install=""))
    versions = [dependencies(text).get("next", "") for text in manifests(tree)]
    major = next((int(m[1]) for v in versions if (m := re.search(r"(\d+)", v))), PROXY_SINCE)
    function = "proxy" if major >= PROXY_SINCE else "middleware"
    root = next((p.rpartition("package.json")[0] for p in _next_manifests(tree)), "")
    source = f"{root}src/" if any(p.startswith(f"{root}src/") for p in tree) else root
    typescript = f"{root}tsconfig.json" in tree
    text = templates.render("next.js", typescript=typescript, function=function)
    path = f"{source}{function}{'.ts' if typescript else '.js'}"
    others = [f"{source}{n}{s}" for n in ("proxy", "middleware") for s in (".ts", ".js", ".mjs")]
    there = [other for other in others if other in tree and other != path]
    if there:
        why = f"is not written: Next.js takes one such file, and {there[0]} is there"
        plan.by_hand.append(ByHand(path, why, text))
    else:
        plan.add(tree, path, text)
    return plan


def _next_manifests(tree: Mapping[str, str]) -> list[str]:
    return [p for p, t in tree.items() if base(p) == "package.json" and "next" in dependencies(t)]


def _suffix(path: str) -> str:
    name = base(path)
    return f".{name.rpartition('.')[2]}" if not name.startswith(GUARD) else ""
