"""What is found in a project, what is planned for it, and what is left alone."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integrate.projects import PROJECTS

from dream_gateway.integrate.detection import detect
from dream_gateway.integrate.frameworks import FRAMEWORKS, plan
from dream_gateway.integrate.naming import Naming
from dream_gateway.integrate.plan import Change, Plan, UnsafeError
from dream_gateway.integrate.python_source import guarded

DJANGO = {
    "manage.py": "import django\n",
    "shop/settings.py": (
        'ROOT_URLCONF = "shop.urls"\nMIDDLEWARE = [\n'
        '    "django.middleware.security.SecurityMiddleware",\n    "x.Y",\n]\n'
    ),
}
TREES = {
    **{name: dict(project.files) for name, project in PROJECTS.items()},
    "django": DJANGO,
    "hono": {
        "package.json": '{"dependencies": {"hono": "4"}}',
        "src/index.ts": "import { Hono } from 'hono'\n\nconst app = new Hono<{ A: B }>()\n",
    },
}
NAMING = Naming("Acme Shop", "http://edge.example.com:8080", "http://service.example.com:8787")


def applied(tree: dict[str, str], made: Plan) -> dict[str, str]:
    """Return a project after a plan."""
    return tree | {change.path: change.after for change in made.changes}


def by_hand(made: Plan) -> str:
    """Return what a plan says of the one thing that it leaves."""
    (hand,) = made.by_hand
    return f"{hand.path} {hand.why}: {hand.lines}"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_is_detected_and_changed_once(framework: str) -> None:
    tree = TREES[framework]
    assert detect(tree) == (framework,)
    first = plan(framework, tree, NAMING)
    assert first.changes
    assert first.steps
    assert [bool(change.diff()) for change in first.changes] == [True] * len(first.changes)
    after = applied(tree, first)
    again = plan(framework, after, NAMING)
    assert not again.changes
    assert [hand.path for hand in again.by_hand] == [hand.path for hand in first.by_hand]
    assert detect(after) == (framework,)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_a_place_for_the_lines_they_are_to_be_added_by_hand(framework: str) -> None:
    made = plan(framework, {}, NAMING)
    if framework != "next":
        (hand,) = made.by_hand
        assert hand.lines
    assert all(change.before is None for change in made.changes)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_was_written_and_changed_since_is_left(framework: str) -> None:
    tree = TREES[framework]
    own = [c.path for c in plan(framework, tree, NAMING).changes if c.before is None]
    for path in own:
        changed = tree | {path: "# mine\n"}
        made = plan(framework, changed, NAMING)
        assert path not in {change.path for change in made.changes}
        assert "not as it would be written" in {h.path: h.why for h in made.by_hand}[path]


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({}, ()),
        ({"requirements.txt": "Flask>=3\n"}, ("flask",)),
        ({"requirements.txt": "flask-cors\nx # fastapi\n"}, ()),
        ({"pyproject.toml": '[project]\ndependencies = ["litestar[standard]"]\n'}, ("litestar",)),
        ({"pyproject.toml": '[project]\nkeywords = ["django"]\n'}, ()),
        ({"pyproject.toml": "not = toml = at all"}, ()),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ndjango = '5'\n"}, ("django",)),
        ({"package.json": '{"devDependencies": {"next": "15"}}'}, ("next",)),
        ({"package.json": "{"}, ()),
        ({"package.json": "[]"}, ()),
        ({"a.py": "import fastapi\n", "b.py": "from flask import g\n"}, ("fastapi", "flask")),
        ({"a.py": "import fastapi\n", "nginx.conf": "proxy_pass x;\n"}, ("fastapi",)),
        ({"nginx.conf": "  proxy_pass x;\n", "Caddyfile": ""}, ("nginx", "caddy")),
        ({"traefik.yml": "entryPoints:\n  web: {}\n"}, ("traefik",)),
        ({"main.go": 'import "fmt"\n'}, ()),
    ],
)
def test_detection(tree: dict[str, str], found: tuple[str, ...]) -> None:
    assert detect(tree) == found


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("app = FastAPI(", "not valid Python"),
        ("a = FastAPI()\nb = FastAPI()\n", "exactly once"),
        ("a = b = FastAPI()\n", "exactly once"),
        ("self.app = FastAPI()\n", "exactly once"),
        ("x = 1; app = FastAPI()\n", "more than"),
        ("if x: app = FastAPI()\n", "more than"),
    ],
)
def test_python_that_is_not_certain(source: str, why: str) -> None:
    with pytest.raises(UnsafeError, match=why):
        guarded(source, "FastAPI", "guard({app})", package=False)


def test_python_in_a_package_a_factory_and_without_a_last_line_ending() -> None:
    source = '"""Doc."""\r\nfrom fastapi import FastAPI\r\ndef make():\r\n    api = FastAPI()'
    after = guarded(source, "FastAPI", "guard({app})", package=True)
    assert after == (
        '"""Doc."""\r\nfrom fastapi import FastAPI\r\nfrom .dream_gateway_guard import guard\r\n'
        "def make():\r\n    api = FastAPI()\r\n    guard(api)\r\n"
    )


def test_an_application_is_wrapped_before_what_the_module_runs() -> None:
    source = (
        "import litestar\napp = litestar.Litestar([])\nx = app\nif __name__ == '__main__':\n    1\n"
    )
    after = guarded(source, "Litestar", "{app} = guard({app})", package=False, at_end=True)
    assert after.index("x = app") < after.index("app = guard(app)") < after.index("if __name__")
    with pytest.raises(UnsafeError, match="inside a function"):
        guarded("def f():\n    app = Litestar()\n", "Litestar", "{app}", package=False, at_end=True)


@given(
    before=st.sampled_from(["", '"""Doc."""\n', "from __future__ import annotations\n", "# c\n"]),
    imports=st.sampled_from(["import fastapi\n", "from fastapi import (\n    FastAPI,\n)\n"]),
    middle=st.sampled_from(
        ["", "x = 1\n", "@f\ndef g(): pass\n", "try:\n    import a\nexcept E: pass\n"]
    ),
    call=st.sampled_from(["app = FastAPI()", "app = fastapi.FastAPI(\n    title='x',\n)  # ok"]),
    tail=st.sampled_from(["", "\n", "\n@app.get('/')\ndef h(): pass\n"]),
)
def test_the_rest_of_a_module_stays_and_its_future_imports_stay_first(
    before: str, imports: str, middle: str, call: str, tail: str
) -> None:
    source = before + imports + middle + call + tail
    after = guarded(source, "FastAPI", "guard({app})", package=False)
    added = {"from dream_gateway_guard import guard", "guard(app)"}
    kept = [line for line in after.splitlines() if line not in added]
    assert kept == source.splitlines()
    compile(after, "after", "exec")
    statements = [ast.unparse(node) for node in ast.parse(after).body]
    made = next(at for at, text in enumerate(statements) if "FastAPI(" in text)
    assert statements[made + 1] == "guard(app)"


@pytest.mark.parametrize(
    "text",
    [
        "import express from 'express'\nconst a = express()\nconst b = express()\n",
        "import express from 'express'\nexport default build(express())\n",
        "const app = require('express')()\nconst express = require('express')\n",
    ],
)
def test_scripts_that_are_not_certain(text: str) -> None:
    made = plan("express", {"app.js": text}, NAMING)
    assert not [change for change in made.changes if change.before]
    assert "guard" in by_hand(made)


def test_typescript_follows_the_projects_way_of_importing() -> None:
    text = 'import express from "express";\nimport { x } from "./x.js";\nconst app = express();\n'
    after = applied({"app.ts": text}, plan("express", {"app.ts": text}, NAMING))
    assert '"./dream-gateway-guard.js";' in after["app.ts"]
    assert "NextFunction" in after["dream-gateway-guard.ts"]


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"package.json": '{"dependencies": {"next": "^15.1"}}'}, "middleware.js"),
        (
            {
                "web/package.json": '{"dependencies": {"next": "16.0"}}',
                "web/tsconfig.json": "{}",
                "web/src/app/page.tsx": "",
            },
            "web/src/proxy.ts",
        ),
    ],
)
def test_next_gets_the_file_that_its_version_looks_for(tree: dict[str, str], path: str) -> None:
    (change,) = plan("next", tree, NAMING).changes
    assert change.path == path
    assert f"function {path.rpartition('/')[2].partition('.')[0]}(" in change.after


def test_next_with_a_middleware_of_its_own_keeps_it() -> None:
    tree = {"package.json": '{"dependencies": {"next": "16"}}', "middleware.ts": "//"}
    made = plan("next", tree, NAMING)
    assert not made.changes
    assert "middleware.ts is there" in by_hand(made)


@pytest.mark.parametrize(
    ("call", "after"),
    [
        (
            "http.ListenAndServe(addr, nil)",
            "http.ListenAndServe(addr, dreamGateway(http.DefaultServeMux))",
        ),
        (
            'http.ListenAndServe(net.JoinHostPort("a,(", p), s.mux)',
            'http.ListenAndServe(net.JoinHostPort("a,(", p), dreamGateway(s.mux))',
        ),
        ("http.ListenAndServe(addr, logged(mux))", None),
        ("http.ListenAndServe(addr, nil); http.ListenAndServe(b, nil)", None),
    ],
)
def test_go_handlers(call: str, after: str | None) -> None:
    text = f'package shop\n\nimport "net/http"\n\nfunc main() {{ {call} }}\n'
    made = plan("go", {"cmd/main.go": text}, NAMING)
    changed = applied({"cmd/main.go": text}, made)
    assert changed["cmd/dream_gateway_guard.go"].startswith("package shop\n")
    assert changed["cmd/main.go"] == (text if after is None else text.replace(call, after))
    assert bool(made.by_hand) is (after is None)


@pytest.mark.parametrize(
    ("framework", "tree", "why"),
    [
        (
            "nginx",
            {"n.conf": "location / {\n proxy_pass x;\n}\nlocation / {\n proxy_pass y;\n}\n"},
            "2 places",
        ),
        (
            "nginx",
            {"n.conf": "proxy_set_header Host x;\nlocation / {\n    proxy_pass x;\n}\n"},
            "out of force",
        ),
        (
            "nginx",
            {"n.conf": "location / { proxy_pass x; }\n", "m.conf": "proxy_pass y;"},
            "certain",
        ),
        (
            "nginx",
            {"n.conf": "location / {\n    proxy_pass x;\n    auth_request /own;\n}\n"},
            "already",
        ),
        (
            "caddy",
            {"Caddyfile": "a {\n reverse_proxy b\n}\nc {\n reverse_proxy d\n}\n"},
            "2 places",
        ),
        (
            "envoy",
            {"e.yaml": "http_connection_manager\n- name: envoy.filters.http.router\n"},
            "clusters",
        ),
    ],
)
def test_configuration_that_is_not_certain(framework: str, tree: dict[str, str], why: str) -> None:
    made = plan(framework, tree, NAMING)
    assert not made.changes
    assert why in by_hand(made)


@pytest.mark.parametrize(
    ("project", "variable"),
    [
        ("", "GATEWAY_SECRET_KEY"),
        ("Acme Shop", "ACME_SHOP_GATEWAY_SECRET_KEY"),
        ("3 bears", "P_3_BEARS_GATEWAY_SECRET_KEY"),
        ("Dream", "MY_DREAM_GATEWAY_SECRET_KEY"),
        ("été", "T_GATEWAY_SECRET_KEY"),
    ],
)
def test_variables_are_named_after_the_project(project: str, variable: str) -> None:
    assert Naming(project).secret_variable == variable


@given(st.text())
def test_no_name_breaks_out_of_a_comment_or_becomes_a_setting(project: str) -> None:
    naming = Naming(project)
    assert re.fullmatch(r"[\w .-]+", naming.title, re.ASCII)
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", naming.secret_variable, re.ASCII)
    assert not naming.secret_variable.startswith("DREAM_GATEWAY_")


def test_a_diff_of_a_file_without_a_last_line_ending() -> None:
    assert Change("a/b", "x", "x\ny\n").diff() == (
        "--- a/a/b\n+++ b/a/b\n@@ -1 +1,2 @@\n-x\n\\ No newline at end of file\n+x\n+y\n"
    )
