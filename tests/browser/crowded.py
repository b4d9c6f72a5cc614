"""A gateway as people start it, whose dashboard has 10,000 customers and 90 days behind it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.browser.conftest import COMMAND, LIMIT_SECONDS, free_port, toml
from tests.local.conftest import CHEAP

from dream_gateway.demo.crowd import Crowd
from dream_gateway.demo.past import seed_dashboard
from dream_gateway.demo.seed import seed
from dream_gateway.encryption_keys import mint_key
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATOR = "an operator's token, which nobody can guess"
FULL = Crowd()
FEW = Crowd(customers=300, days=90)


@dataclass(frozen=True, slots=True)
class Crowded:
    """What runs: `link` is a path that signs in once, `project` the one with the crowd."""

    url: str
    edge: str
    link: str
    project: str
    log: Path

    @property
    def home(self) -> str:
        return f"{self.url}/dashboard/{self.project}"


@contextmanager
def crowded(folder: Path, store: str, crowd: Crowd = FULL) -> Iterator[Crowded]:
    """Serve a gateway on a store, which gets the crowd first."""
    port = free_port()
    own = {
        "store": store,
        "port": free_port(),
        "service_port": port,
        "service_url": f"http://127.0.0.1:{port}",
        "encryption_keys": [mint_key()],
        "operator_tokens": [OPERATOR],
    }
    link, project = asyncio.run(_seeded(Settings(store=store), crowd))
    config, log = folder / "gateway.toml", folder / "log"
    config.write_text(toml(own, CHEAP))
    environ = {**os.environ, "DREAM_GATEWAY_CONFIG": str(config), "XDG_STATE_HOME": str(folder)}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--json"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environ,
        )
    try:
        assert process.stdout is not None
        listening = json.loads(process.stdout.readline() or log.read_text())
        yield Crowded(listening["service"], listening["edge"], link, project, log)
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_SECONDS)


async def _seeded(settings: Settings, crowd: Crowd) -> tuple[str, str]:
    made = await seed(settings, "http://127.0.0.1")
    path = await seed_dashboard(settings, made.project.platform_id, crowd)
    return path, path.rpartition("%2F")[2]
