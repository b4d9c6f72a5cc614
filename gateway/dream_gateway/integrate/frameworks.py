"""The table of frameworks: what they are called, and how a plan for each is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.integrate import other_plans, python_plans, script_plans
from dream_gateway.integrate.rendering import Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dream_gateway.integrate.naming import Naming
    from dream_gateway.integrate.plan import Plan


@dataclass(frozen=True, slots=True)
class Framework:
    """What people call it, and what makes a plan for it."""

    title: str
    plan: Callable[[Mapping[str, str], Templates], Plan]


FRAMEWORKS: Mapping[str, Framework] = {
    "fastapi": Framework("FastAPI", python_plans.FASTAPI.plan),
    "litestar": Framework("Litestar", python_plans.LITESTAR.plan),
    "flask": Framework("Flask", python_plans.FLASK.plan),
    "django": Framework("Django", python_plans.django),
    "express": Framework("Express", script_plans.EXPRESS.plan),
    "hono": Framework("Hono", script_plans.HONO.plan),
    "next": Framework("Next.js", script_plans.next_js),
    "go": Framework("Go net/http", other_plans.go),
    "nginx": Framework("nginx", other_plans.NGINX.plan),
    "caddy": Framework("Caddy", other_plans.CADDY.plan),
    "traefik": Framework("Traefik", other_plans.traefik),
    "envoy": Framework("Envoy", other_plans.ENVOY.plan),
}


def plan(framework: str, tree: Mapping[str, str], naming: Naming) -> Plan:
    """Return what to do to a project that uses a framework of the table."""
    return FRAMEWORKS[framework].plan(tree, Templates(naming))
