"""The gateway itself: one platform, one customer on a tier with a quota and a rate, SQLite."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.contender import PLENTY, Contender
from bench.load.machine import free_port, start
from bench.load.servers import nginx, stores
from bench.load.wrk import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.contender import Setting
    from bench.load.machine import Server
    from bench.load.servers.stores import Keep, Kept

PREFIX = "dream-gateway "
CUSTOMER = "ada"
RATE = "1000000/s"
AUTHORIZE, DATA, PROXY = (PREFIX + at for at in ("/authorize", "/api/data", "proxy"))


@dataclass(frozen=True, slots=True)
class Store:
    """A store with one customer, and the secrets to ask with."""

    kept: Kept
    secret: str
    key: str
    publishable_key: str


def authorize() -> Contender:
    """Return the gateway as forward-auth."""
    return _own(AUTHORIZE, "answer", nginx.ANSWER, ask_authorize)


def data() -> Contender:
    """Return the gateway's check API."""
    return _own(DATA, "answer", nginx.ANSWER, _ask_data)


def proxy() -> Contender:
    """Return the gateway as reverse proxy."""
    return _own(PROXY, "proxy", nginx.PROXY, _ask_proxy)


def modes() -> tuple[Contender, ...]:
    """Return the gateway with leases and without: two jobs on SQLite, one on each other store.

    The yardstick of strict mode is the same with leases; that of another store is SQLite.
    """
    found = []
    for job, ask in (("authorize", ask_authorize), ("proxy", _ask_proxy)):
        found += _both(job, "SQLite", stores.sqlite, ask, "")
    for name, keep in stores.others().items():
        found += _both("authorize", name, keep, ask_authorize, "authorize, SQLite, leased")
    return tuple(found)


def _both(
    job: str, store: str, keep: Keep, ask: Callable[[Server, Store], Job], yardstick: str
) -> list[Contender]:
    leased = f"{job}, {store}, leased"
    return [
        _own(leased, job, yardstick, ask, keep),
        _own(f"{job}, {store}, strict", job, leased, ask, keep, strict=True),
    ]


def make(kept: Kept, limit: int = PLENTY) -> Store:
    """Make a store whose customer may make `limit` requests a month."""
    where, tier = _flags(kept), f"pro={limit}/month@{RATE}"
    made = _command("platform", "create", "--name", "bench", "--tier", tier, *where)
    whose = ("--project", made["projectId"], *where)
    _command("customer", "create", "--id", CUSTOMER, *whose)
    key = _command("key", "create", "--customer", CUSTOMER, *whose)
    return Store(kept, made["secretKey"], key["key"], made["publishableKey"])


def serve(store: Store, setting: Setting, workers: int = 1, *, strict: bool = False) -> Server:
    """Start the gateway on a store; if strict, it asks the ledger for each request."""
    ports = (free_port(), free_port())
    command = [sys.executable, "-m", "dream_gateway", "serve", *_flags(store.kept)]
    command += [
        "--workers",
        str(workers),
        "--upstream",
        f"http://127.0.0.1:{setting.upstream_port}",
    ]
    command += ["--port", str(ports[0]), "--service-port", str(ports[1])]
    environ = {"DREAM_GATEWAY_STRICT": "true"} if strict else {}
    return start(command, ports, setting.folder, environ, beside=store.kept.servers)


def ask_authorize(server: Server, store: Store) -> Job:
    """Return the job of asking whether a key may pass."""
    return Job(f"http://127.0.0.1:{server.ports[0]}/authorize", headers=_bearer(store.key))


def _ask_data(server: Server, store: Store) -> Job:
    url = f"http://127.0.0.1:{server.ports[1]}/api/data"
    return Job(url, "POST", _bearer(store.secret) | {"X-User-Id": CUSTOMER})


def _ask_proxy(server: Server, store: Store) -> Job:
    return Job(f"http://127.0.0.1:{server.ports[0]}/things", headers=_bearer(store.key))


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _own(
    name: str,
    job: str,
    yardstick: str,
    ask: Callable[[Server, Store], Job],
    keep: Keep = stores.sqlite,
    *,
    strict: bool = False,
) -> Contender:
    def begin(setting: Setting) -> tuple[Server, Job]:
        store = make(keep(setting), setting.limit)
        server = serve(store, setting, strict=strict)
        return server, ask(server, store)

    what = "keys, quota and rate, exact, durable in SQLite"
    return Contender(name, job, what, begin, yardstick, counts=True)


def _flags(kept: Kept) -> list[str]:
    return [word for role, url in kept.stores.items() for word in (f"--{role}", url)]


def _command(*words: str) -> dict[str, str]:
    command = [sys.executable, "-m", "dream_gateway", *words, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
