"""What people write in Python: an ASGI application on one uvicorn worker (the folder `peers`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.load.contender import KEY, Contender
from bench.load.machine import free_port, start
from bench.load.servers import nginx, stores
from bench.load.wrk import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.contender import Setting
    from bench.load.machine import Server

ROOT = Path(__file__).parents[3]
MEMORY = "memory://"


def slowapi() -> Contender:
    """Return FastAPI with slowapi, counting in memory, and httpx."""
    return _peer(
        "FastAPI + slowapi + httpx",
        "one key in a set, rate in memory",
        _slowapi,
        ("fastapi", "slowapi", "httpx"),
    )


def limits() -> Contender:
    """Return Starlette with limits, counting in Valkey if that is installed, and aiohttp."""
    where = "memory" if stores.valkey_program() is None else "Valkey (AOF, everysec)"
    return _peer(
        "Starlette + limits + aiohttp",
        f"one key in a set, rate in {where}",
        _limits,
        ("limits", "aiohttp"),
    )


def _peer(
    name: str,
    what: str,
    begin: Callable[[Setting], tuple[Server, Job]],
    packages: tuple[str, ...],
) -> Contender:
    return Contender(
        name,
        "proxy",
        what,
        begin,
        nginx.PROXY,
        packages=packages,
        source='pip install -e ".[load]"',
        counts=True,
    )


def _slowapi(setting: Setting) -> tuple[Server, Job]:
    return _uvicorn("slowapi_proxy", setting, MEMORY)


def _limits(setting: Setting) -> tuple[Server, Job]:
    if stores.valkey_program() is None:
        return _uvicorn("limits_proxy", setting, f"async+{MEMORY}")
    store = stores.start_valkey(setting, "everysec")
    url = f"async+valkey://127.0.0.1:{store.ports[0]}"
    return _uvicorn("limits_proxy", setting, url, (store,))


def _uvicorn(
    module: str, setting: Setting, store: str, beside: tuple[Server, ...] = ()
) -> tuple[Server, Job]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", f"bench.load.peers.{module}:make"]
    command += ["--app-dir", str(ROOT), "--port", str(port)]
    command += ["--no-access-log", "--log-level", "error"]
    environ = {
        "UPSTREAM": f"http://127.0.0.1:{setting.upstream_port}",
        "KEYS": KEY,
        "LIMIT": f"{setting.limit}/day",
        "STORE": store,
    }
    server = start(command, (port,), setting.folder, environ, beside=beside)
    return server, Job(f"http://127.0.0.1:{port}/", headers={"X-API-Key": KEY})
