"""Plans for Python frameworks: a module of the gateway's, and its call where the app is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.integrate.plan import ByHand, Plan, UnsafeError, only
from dream_gateway.integrate.python_source import GUARD, guarded, makes, parsed, with_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.integrate.rendering import Templates

MIDDLEWARE = "GatewayMiddleware"
IN_PROCESS = (
    "pip install dream-gateway",
    "set DREAM_GATEWAY_STORE to the URL of the store that `dream-gateway` works on",
    "set DREAM_GATEWAY_WORKERS to how many processes of the server share it, if not one",
)


@dataclass(frozen=True, slots=True)
class PythonApp:
    """A framework whose application one call makes; `call` guards it."""

    name: str
    maker: str
    call: str
    at_end: bool = False
    in_process: bool = True

    def plan(self, tree: Mapping[str, str], templates: Templates) -> Plan:
        """Return what to do to a project that uses it."""
        plan = Plan(self.name)
        made = [path for path, text in python_files(tree) if makes(text, self.maker)]
        folder = made[0].rpartition("/")[0] if len(made) == 1 else ""
        guard = f"{folder}/{GUARD}.py" if folder else f"{GUARD}.py"
        plan.add(tree, guard, templates.render(f"{self.name}.py"))
        path = made[0] if len(made) == 1 else f"the module that calls {self.maker}(...)"
        try:
            only(made)
            package = f"{folder}/__init__.py".lstrip("/") in tree
            text = tree[path]
            after = guarded(text, self.maker, self.call, package=package, at_end=self.at_end)
            plan.change(path, text, after)
        except UnsafeError as why:
            lines = f"from {GUARD} import guard\n\n{self.call.format(app='app')}\n"
            plan.by_hand.append(ByHand(path, str(why), lines))
        plan.steps += IN_PROCESS if self.in_process else verify_steps(templates)
        return plan


FASTAPI = PythonApp("fastapi", "FastAPI", "guard({app})")
FLASK = PythonApp("flask", "Flask", "guard({app})", in_process=False)
LITESTAR = PythonApp("litestar", "Litestar", "{app} = guard({app})", at_end=True)


def django(tree: Mapping[str, str], templates: Templates) -> Plan:
    """Return the plan for Django: a middleware, which is asked under WSGI and ASGI alike."""
    plan = Plan("django")
    found = [(p, t) for p, t in python_files(tree) if "ROOT_URLCONF" in t and "MIDDLEWARE" in t]
    path, text = found[0] if len(found) == 1 else ("the settings module", "")
    package = _django_package(text)
    root = next((p.rpartition("/")[0] for p in tree if p.endswith("manage.py")), "")
    parts = [*root.split("/"), *package.split("."), f"{GUARD}.py"]
    plan.add(tree, "/".join(filter(None, parts)), templates.render("django.py"))
    element = ".".join(filter(None, (package, GUARD, MIDDLEWARE)))
    try:
        only([each for each, _ in found])
        plan.change(path, text, with_first(text, "MIDDLEWARE", element, ".SecurityMiddleware"))
    except UnsafeError as why:
        plan.by_hand.append(ByHand(path, str(why), f'MIDDLEWARE.insert(0, "{element}")\n'))
    plan.steps += verify_steps(templates)
    return plan


def verify_steps(templates: Templates, install: str = "pip install httpx") -> list[str]:
    """Return what is left to do for whoever asks the service about each request."""
    names = templates.naming
    return [
        *filter(None, (install,)),
        f"set {names.secret_variable} to the project's secret key, and keep it out of files",
        f"set {names.url_variable} if the gateway's service is not at {names.service_url}",
    ]


def python_files(tree: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the modules of a project that are no tests, by their paths."""
    tests = re.compile(r"(^|/)(tests?/|test_|conftest\.py)")
    return [(p, t) for p, t in sorted(tree.items()) if p.endswith(".py") and not tests.search(p)]


def _django_package(settings: str) -> str:
    """Return the package of a Django project, as its settings name it."""
    try:
        parsed(settings)
    except UnsafeError:
        return ""
    match = re.search(r"""(?m)^ROOT_URLCONF\s*=\s*["']([\w.]+)\.\w+["']""", settings)
    return match[1] if match else ""
