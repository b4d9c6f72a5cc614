"""Who runs, and on which job: each is started with its own configuration and asked in its own way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.machine import free_port, start
from bench.load.wrk import Job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.load.machine import Server

KEY = "ak_bench_0123456789abcdef"
BODY = "x" * 1024


@dataclass(frozen=True, slots=True)
class Contender:
    """One server on one job. `yardstick` names the contender that it is compared with."""

    name: str
    job: str
    what: str
    yardstick: str
    program: str
    begin: Callable[[Path, int], tuple[Server, Job]]

    @property
    def missing(self) -> bool:
        """Whether its program is not installed."""
        return bool(self.program) and shutil.which(self.program) is None


def contenders() -> tuple[Contender, ...]:
    """Return all of them, yardsticks first."""
    return (
        Contender("nginx return 200", "answer", "no keys", "", "nginx", _nginx_answer),
        Contender("nginx proxy_pass", "proxy", "no keys", "", "nginx", _nginx_proxy),
        _own("dream-gateway /authorize", "answer", "nginx return 200", _authorize),
        _own("dream-gateway /api/data", "answer", "nginx return 200", _data),
        _own("dream-gateway proxy", "proxy", "nginx proxy_pass", _proxy),
        Contender(
            "HAProxy",
            "proxy",
            "keys in a map, rate in memory",
            "nginx proxy_pass",
            "haproxy",
            _haproxy,
        ),
        Contender(
            "Caddy", "proxy", "one key by matcher, no counting", "nginx proxy_pass", "caddy", _caddy
        ),
    )


def upstream(folder: Path) -> Server:
    """Start the API behind all of them: nginx with an answer of 1 KB."""
    port = free_port()
    return _nginx(folder, port, f'location / {{ return 200 "{BODY}"; }}')


def _own(
    name: str, job: str, yardstick: str, asked: Callable[[Server, dict[str, str]], Job]
) -> Contender:
    def begin(folder: Path, upstream_port: int) -> tuple[Server, Job]:
        server, made = _gateway(folder, upstream_port)
        return server, asked(server, made)

    return Contender(name, job, "keys, quota and rate, exact, SQLite", yardstick, "", begin)


def _authorize(server: Server, made: dict[str, str]) -> Job:
    url = f"http://127.0.0.1:{server.ports[0]}/authorize"
    return Job(url, headers={"Authorization": f"Bearer {made['key']}"})


def _data(server: Server, made: dict[str, str]) -> Job:
    url = f"http://127.0.0.1:{server.ports[1]}/api/data"
    headers = {"Authorization": f"Bearer {made['secretKey']}", "X-User-Id": "ada"}
    return Job(url, "POST", headers)


def _proxy(server: Server, made: dict[str, str]) -> Job:
    url = f"http://127.0.0.1:{server.ports[0]}/things"
    return Job(url, headers={"Authorization": f"Bearer {made['key']}"})


def _gateway(folder: Path, upstream_port: int) -> tuple[Server, dict[str, str]]:
    store = f"sqlite:///{folder / f'gateway-{free_port()}.db'}"
    tier = "pro=1000000000/month@1000000/s"
    made = _command("platform", "create", "--name", "bench", "--tier", tier, "--store", store)
    project = made["projectId"]
    _command("customer", "create", "--project", project, "--id", "ada", "--store", store)
    key = _command("key", "create", "--project", project, "--customer", "ada", "--store", store)
    ports = (free_port(), free_port())
    command = [sys.executable, "-m", "dream_gateway", "serve", "--store", store, "--workers", "1"]
    command += ["--port", str(ports[0]), "--service-port", str(ports[1])]
    command += ["--upstream", f"http://127.0.0.1:{upstream_port}"]
    return start(command, ports, folder), {**made, "key": key["key"]}


def _command(*words: str) -> dict[str, str]:
    command = [sys.executable, "-m", "dream_gateway", *words, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _nginx_answer(folder: Path, upstream_port: int) -> tuple[Server, Job]:
    del upstream_port
    port = free_port()
    server = _nginx(folder, port, 'location / { return 200 "ok"; }')
    return server, Job(f"http://127.0.0.1:{port}/")


def _nginx_proxy(folder: Path, upstream_port: int) -> tuple[Server, Job]:
    port = free_port()
    location = (
        'location / { proxy_http_version 1.1; proxy_set_header Connection "";'
        " proxy_pass http://api; }"
    )
    api = f"upstream api {{ server 127.0.0.1:{upstream_port}; keepalive 128; }}"
    server = _nginx(folder, port, location, api)
    return server, Job(f"http://127.0.0.1:{port}/")


def _nginx(folder: Path, port: int, location: str, more: str = "") -> Server:
    own = folder / f"nginx-{port}"
    own.mkdir()
    (own / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; pid {own}/pid; error_log {own}/error.log;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {more}\n"
        f"server {{ listen 127.0.0.1:{port}; {location} }} }}\n"
    )
    return start(["nginx", "-p", str(own), "-c", str(own / "nginx.conf")], (port,), folder)


def _haproxy(folder: Path, upstream_port: int) -> tuple[Server, Job]:
    port = free_port()
    (folder / "keys.map").write_text(f"{KEY} ada\n")
    (folder / "haproxy.cfg").write_text(
        "global\n  nbthread 1\n"
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        "  http-reuse always\n"
        f"frontend f\n  bind 127.0.0.1:{port}\n"
        f"  http-request set-var(req.who) req.hdr(x-api-key),map({folder}/keys.map)\n"
        "  http-request deny deny_status 401 unless { var(req.who) -m found }\n"
        "  stick-table type string len 64 size 100k expire 1h store http_req_rate(1s)\n"
        "  http-request track-sc0 var(req.who)\n"
        "  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100000000 }\n"
        f"  default_backend b\nbackend b\n  server api 127.0.0.1:{upstream_port}\n"
    )
    server = start(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], (port,), folder)
    return server, Job(f"http://127.0.0.1:{port}/", headers={"X-API-Key": KEY})


def _caddy(folder: Path, upstream_port: int) -> tuple[Server, Job]:
    port = free_port()
    (folder / "Caddyfile").write_text(
        "{\n  admin off\n  auto_https off\n}\n"
        f"http://127.0.0.1:{port} {{\n  @known header X-API-Key {KEY}\n"
        f"  handle @known {{\n    reverse_proxy 127.0.0.1:{upstream_port}\n  }}\n"
        "  respond 401\n}\n"
    )
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    server = start(command, (port,), folder, {"GOMAXPROCS": "1", "HOME": str(folder)})
    return server, Job(f"http://127.0.0.1:{port}/", headers={"X-API-Key": KEY})
