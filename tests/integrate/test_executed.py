"""What `dream-gateway integrate --write` writes is run, in front of real APIs on real servers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from string import Template
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner
from tests.integrate.projects import PROJECTS, Project, program
from tests.servers.ports import free_port
from tests.servers.shop import LIMIT, OPEN
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.cli.root import root

if TYPE_CHECKING:
    from pathlib import Path

    # pytest's own, beside this file
    from conftest import Upstream  # type: ignore[import-not-found]
    from tests.servers.shop import Shop

# The first test of each environment waits for its packages.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

BOBS = 2
FORGED = [
    (name, value)
    for spelt in ("X-Dream-{}", "X_Dream_{}", "X-Dream_{}", "X_Dream-{}", "x-dream-{}")
    for name, value in (
        (spelt.format("Customer"), "eve"),
        (spelt.format("Plan"), "enterprise"),
        (spelt.format("Project"), "prj_forged"),
    )
]


def lay_out(project: Project, folder: Path, values: dict[str, object]) -> None:
    """Write a project's files."""
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).safe_substitute(values))


def integrate(folder: Path, store: str, *arguments: str) -> str:
    """Run the command on a folder; return what it printed."""
    options = ("--directory", str(folder), "--store", store)
    done = CliRunner().invoke(root, ["integrate", *options, *arguments])
    # Traefik's routers are left to be told of the middleware.
    assert done.exit_code == ("left as it is" in done.output), (done.output, done.exception)
    return done.output


@pytest.fixture
def home(request: pytest.FixtureRequest, framework: str, tmp_path: Path) -> Path:
    """The environment of the framework, if it has to be installed."""
    tool = PROJECTS[framework].tool
    if tool == "node":
        found: Path = request.getfixturevalue("node_home")
    elif tool in {"python", "traefik", "envoy"}:
        found = request.getfixturevalue("python_home")
    else:
        found = tmp_path
    if program(tool, found) is None:
        pytest.skip(f"{tool} is not installed")
    return found


@pytest.fixture
def folder(framework: str, home: Path, tmp_path: Path) -> Path:
    """The folder of the project, as its framework begins one."""
    made = tmp_path / "project"
    made.mkdir()
    if framework == "django":
        admin = [str(home / "bin" / "django-admin"), "startproject", "shop", str(made)]
        subprocess.run(admin, check=True)
    if PROJECTS[framework].bundled:
        modules = home / "node_modules"
        shutil.copytree(modules, made / "node_modules", copy_function=os.link, symlinks=True)
    elif PROJECTS[framework].tool == "node":
        (made / "node_modules").symlink_to(home / "node_modules")
    return made


@pytest.mark.parametrize("framework", PROJECTS)
def test_it_guards(
    framework: str, home: Path, folder: Path, shop: Shop, upstream: Upstream
) -> None:
    project = PROJECTS[framework]
    port = free_port()
    values: dict[str, object] = {"port": port, "upstream": upstream.port}
    lay_out(project, folder, values)
    edge, service = ("", "") if project.in_process else shop.serve(project.over_limit)
    urls = () if project.in_process else ("--edge-url", edge, "--service-url", service)
    # The framework is told by the files alone.
    told = integrate(folder, shop.settings.store, "--write", "--project", shop.project, *urls)
    again = integrate(folder, shop.settings.store, "--write", "--project", shop.project, *urls)
    if framework == "traefik":
        # Its file says no more than that routers may name it; the lines to add are printed.
        assert 'middlewares: ["dream-gateway@file"]' in told
        route(framework, folder)
    else:
        assert again.startswith("nothing to change"), again
        assert "left as it is" not in told

    server = run(project, folder, home, shop, values)
    base = f"http://127.0.0.1:{port}"
    shop.until_up(base + ("/health" if project.exempt else project.path), server)
    with httpx.Client(base_url=base, timeout=60, trust_env=False) as client:
        ask(client, project, shop)
        if project.behind:
            assert upstream.told == told_of("bob", shop)
            forge(client, project, shop, upstream)
    shop.stop()
    assert (shop.used("ada"), shop.used("bob")) == (LIMIT, BOBS)
    assert upstream.hits == (LIMIT + BOBS + 1 if project.behind else 0)


BEHIND = [name for name, project in PROJECTS.items() if project.behind]
SECRETIVE = ["flask", "django", "express", "hono", "go"]


@pytest.mark.parametrize("framework", BEHIND)
def test_nobody_gets_in_while_the_gateway_is_away(
    framework: str, home: Path, folder: Path, shop: Shop, upstream: Upstream
) -> None:
    project = PROJECTS[framework]
    values: dict[str, object] = {"port": free_port(), "upstream": upstream.port}
    lay_out(project, folder, values)
    integrate(
        folder, shop.settings.store, "--write", "--edge-url", f"http://127.0.0.1:{free_port()}"
    )
    route(framework, folder)
    run(project, folder, home, shop, values)
    url, headers = f"http://127.0.0.1:{values['port']}{project.path}", {"X-API-Key": "ak_test_x"}
    seen: list[httpx.Response] = []
    with httpx.Client(timeout=60, trust_env=False) as client:

        def is_away() -> bool:
            with contextlib.suppress(httpx.TransportError):
                seen.append(client.get(url, headers=headers))
            return bool(seen) and seen[-1].status_code == project.away

        until(is_away, f"{project.away} of {framework}")
    if framework == "nginx":
        assert seen[-1].json()["status"] == 503
        assert seen[-1].headers["Retry-After"] == "1"
    assert upstream.hits == 0


@pytest.mark.parametrize("framework", SECRETIVE)
def test_without_its_secret_key_it_does_not_start(
    framework: str, home: Path, folder: Path, shop: Shop, upstream: Upstream
) -> None:
    project = PROJECTS[framework]
    values: dict[str, object] = {"port": free_port(), "upstream": upstream.port}
    lay_out(project, folder, values)
    integrate(folder, shop.settings.store, "--write", "--project", shop.project)
    server = run(project, folder, home, shop, values | {"secret": ""})
    assert server.wait(PATIENCE_SECONDS) != 0
    assert re.search(r"ACME_SHOP_GATEWAY_SECRET_KEY|secretKey", shop.log()), shop.log()


def route(framework: str, folder: Path) -> None:
    """Add by hand what the command leaves to be added: Traefik's routers name the middleware."""
    if framework != "traefik":
        return
    path = folder / "dynamic" / "shop.yml"
    text = path.read_text()
    line = '      middlewares: ["dream-gateway@file"]\n      service: api\n'
    path.write_text(text.replace("      service: api\n", line))


def told_of(customer: str, shop: Shop) -> list[tuple[str, str]]:
    """Return what an API behind a front proxy is to be told."""
    return [
        ("x-dream-customer", customer),
        ("x-dream-plan", "free"),
        ("x-dream-project", shop.project),
    ]


def forge(client: httpx.Client, project: Project, shop: Shop, upstream: Upstream) -> None:
    """Claim to be somebody else, on another plan, in every spelling; nothing of it arrives.

    Of a path that needs no key the gateway says nothing, and neither may the caller.
    """
    key = ("X-API-Key", shop.keys["bob"])
    assert client.get(project.path, headers=[key, *FORGED]).status_code == 200, shop.log()
    assert upstream.told == told_of("bob", shop)
    assert client.get(OPEN, headers=FORGED).status_code == 200, shop.log()
    assert upstream.told == []


def run(
    project: Project, folder: Path, home: Path, shop: Shop, values: dict[str, object]
) -> subprocess.Popen[str]:
    """Start the project as its people would; its secret is in the environment alone."""
    environ = {
        "PORT": str(values["port"]),
        "DREAM_GATEWAY_STORE": shop.settings.store,
        "ACME_SHOP_GATEWAY_SECRET_KEY": str(values.get("secret", shop.secret)),
        "HOME": str(shop.folder) if project.behind else os.environ.get("HOME", ""),
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    own = [p for p in folder.rglob("*") if p.is_file() and "node_modules" not in p.parts]
    assert not [path for path in own if shop.secret.encode() in path.read_bytes()]
    if project.build:
        subprocess.run(project.build, cwd=folder, check=True, capture_output=True, timeout=300)
    command = [Template(part).substitute(values) for part in project.command]
    command[0] = program(command[0], home) or command[0]
    started: subprocess.Popen[str] = shop.start(command, folder, environ)
    return started


def ask(client: httpx.Client, project: Project, shop: Shop) -> None:
    """Use up ada's units, and some of bob's; nobody else gets in."""
    unknown = client.get(project.path)
    assert unknown.status_code == 401, shop.log()
    assert unknown.headers.get_list("WWW-Authenticate")[0].startswith("Bearer")
    assert len(unknown.headers.get_list("WWW-Authenticate")) == 1
    for bad in ("ak_test_" + "x" * 36, "nonsense", "x" * 5000):
        answer = client.get(project.path, headers={"X-API-Key": bad})
        assert answer.status_code in {401, 431}, (answer.text, shop.log())
    if project.exempt:
        assert client.get("/health").status_code == 200
    ada = {"Authorization": f"Bearer {shop.keys['ada']}", "X-Dream-Customer": "eve"}
    answers = [client.get(project.path, headers=ada) for _ in range(LIMIT + 3)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * LIMIT + [429] * 3, (statuses, answers[-1].text, shop.log())
    assert int(answers[-1].headers["Retry-After"]) > 0
    if project.behind:
        assert all(each.headers["RateLimit"] for each in answers[LIMIT:])
        assert "html" not in unknown.text + answers[-1].text
    assert [answer.json()["customer"] for answer in answers[:LIMIT]] == ["ada"] * LIMIT
    bob = {"X-API-Key": shop.keys["bob"]}
    for _ in range(BOBS - project.behind):
        assert client.get(project.path, headers=bob).json()["customer"] == "bob"
