"""Plans for Go's net/http and for front proxies, whose configuration gets a few lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.integrate.block_source import beside
from dream_gateway.integrate.detection import FORWARDS, YAML, base
from dream_gateway.integrate.plan import ByHand, Plan, UnsafeError, only
from dream_gateway.integrate.python_plans import verify_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dream_gateway.integrate.rendering import Templates

GO_FILE = "dream_gateway_guard.go"
SERVE = "http.ListenAndServe("
TOLD = "serve the edge with `dream-gateway serve`, where only the front proxy reaches /authorize"


def go(tree: Mapping[str, str], templates: Templates) -> Plan:
    """Return the plan for Go: a file in the package, around the handler that is served."""
    plan = Plan("go", steps=verify_steps(templates, install=""))
    found = [p for p, t in tree.items() if p.endswith(".go") and SERVE in t]
    path = found[0] if len(found) == 1 else "the file that calls http.ListenAndServe"
    text = tree.get(path, "package main\n")
    package = re.search(r"(?m)^package\s+(\w+)", text)
    folder = path.rpartition("/")[0] if path in tree else ""
    guard = f"{folder}/{GO_FILE}" if folder else GO_FILE
    plan.add(tree, guard, templates.render("go.go", package=package[1] if package else "main"))
    if "dreamGateway(" in text:
        return plan
    handler = _served(text) if len(found) == 1 and text.count(SERVE) == 1 else None
    if handler is not None:
        name = "http.DefaultServeMux" if handler[0] == "nil" else handler[0]
        start, end = handler.span()
        plan.change(path, text, f"{text[:start]}dreamGateway({name}){text[end:]}")
        return plan
    lines = "http.ListenAndServe(address, dreamGateway(handler))\n"
    plan.by_hand.append(ByHand(path, "does not serve one handler by its name, once", lines))
    return plan


def _served(text: str) -> re.Match[str] | None:
    """Return where the name of the handler is that is served, if it is a name."""
    opened, at = 0, text.index(SERVE) + len(SERVE) - 1
    # Strings and single tokens: a bracket in a string is none.
    for token in re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|[^"`]').finditer(text, at):
        opened += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == "," and opened == 1:
            named = re.compile(r"(?<=,)\s*(\w+(?:\.\w+)*)\s*\)").match(text, token.end())
            return re.compile(r"\w+(?:\.\w+)*").search(text, token.end()) if named else None
        if not opened:
            break
    return None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A front proxy: which files may be its configuration, and what is done to one."""

    name: str
    file: str
    says: str
    change: Callable[[str, Templates], str]
    by_hand: tuple[str, ...]
    """Templates of the lines that belong there."""
    steps: tuple[str, ...] = (TOLD,)

    def plan(self, tree: Mapping[str, str], templates: Templates) -> Plan:
        """Return what to do to a project with its configuration."""
        plan = Plan(self.name, steps=list(self.steps))
        matches = [
            path
            for path, text in sorted(tree.items())
            if re.fullmatch(self.file, base(path)) and re.search(self.says, text)
        ]
        path = matches[0] if len(matches) == 1 else f"the configuration of {self.name}"
        try:
            only(matches)
            if "dream-gateway" not in tree[path]:
                plan.change(path, tree[path], self.change(tree[path], templates))
        except UnsafeError as why:
            lines = "\n".join(templates.render(name) for name in self.by_hand)
            plan.by_hand.append(ByHand(path, str(why), lines))
        return plan


def _nginx(text: str, templates: Templates) -> str:
    block = re.search(r"(?ms)^[ \t]*location\s+/\s*\{.*?^[ \t]*\}", text)
    if block is None:
        raise UnsafeError("has no location / with its brackets on lines of their own")
    if "auth_request" in text:
        raise UnsafeError("asks something else about requests already")
    if "proxy_intercept_errors" in text:
        raise UnsafeError("has the API's own refusals replaced, which could not be told from these")
    if re.search(r"proxy_set_header|error_page|add_header", text.replace(block[0], "")):
        # In a location with one of these of its own, those from around it hold no longer.
        raise UnsafeError("has directives around the location that these would put out of force")
    inner = re.sub(r"(?m)^(?=.)", "    ", templates.render("nginx_location"))
    within = beside(text, r"location\s+/\s*\{", inner)
    return beside(within, r"location\s+/\s*\{", templates.render("nginx_server"), before=True)


def _caddy(text: str, templates: Templates) -> str:
    return beside(text, r"reverse_proxy\s[^\n]+", templates.render("caddy"), before=True)


def _envoy(text: str, templates: Templates) -> str:
    router = r"- name: [\"']?envoy\.filters\.http\.router[\"']?"
    filtered = beside(text, router, templates.render("envoy_filters"), before=True)
    first = re.search(r"(?m)^[ \t]*clusters:[ \t]*\n([ \t]*)-", filtered)
    if first is None or len(re.findall(r"(?m)^[ \t]*clusters:", filtered)) != 1:
        raise UnsafeError("has no one list of clusters")
    indented = re.sub(r"(?m)^(?=.)", first[1], templates.render("envoy_cluster"))
    place = first.end() - len(first[1]) - 1
    return filtered[:place] + indented + filtered[place:]


NGINX = Proxy(
    "nginx",
    r".+\.conf",
    FORWARDS,
    _nginx,
    ("nginx_server", "nginx_location"),
    (TOLD, "start it with DREAM_GATEWAY_AUTHORIZE_LIMIT_STATUS=403: nginx takes no 429 from it"),
)
CADDY = Proxy("caddy", r"Caddyfile|.+\.caddyfile", r"", _caddy, ("caddy",))
ENVOY = Proxy(
    "envoy",
    YAML,
    r"http_connection_manager",
    _envoy,
    ("envoy_filters", "envoy_cluster"),
)


def traefik(tree: Mapping[str, str], templates: Templates) -> Plan:
    """Return the plan for Traefik: a file for its file provider, which routers then name."""
    plan = Plan("traefik", steps=[TOLD])
    routers = [p for p, t in tree.items() if re.search(r"(?m)^ +routers:\s*$", t)]
    named = [p for p in routers if "dream-gateway@file" in tree[p]]
    folder = routers[0].rpartition("/")[0] if len(routers) == 1 else ""
    path = f"{folder}/dream-gateway.yml" if folder else "dream-gateway.yml"
    plan.add(tree, path, templates.render("traefik.yml"))
    if not named:
        why = "has its routers' middlewares in an order that is yours"
        where = routers[0] if len(routers) == 1 else "each router that is to be guarded"
        plan.by_hand.append(ByHand(where, why, templates.render("traefik_router")))
    return plan
