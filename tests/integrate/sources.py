"""The files of projects before they are guarded, as their people would have written them."""

from __future__ import annotations

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
