"""A shop: a store with the keys of two customers, and programs that run on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.gateway import installation
from tests.waiting import PATIENCE_SECONDS, status_of, until

from dream_gateway.administration import open_administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIMIT = 5
OPEN = "/open"


@dataclass
class Shop:
    """Keys of two customers on a tier of five units, and what runs beside them."""

    folder: Path
    project: str = ""
    secret: str = ""
    edge: str = ""
    service: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    _ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def settings(self) -> Settings:
        return Settings(store=f"sqlite:///{self.folder / 'dream.db'}")

    def furnish(self) -> None:
        """Make the project, its customers and their keys."""

        async def run() -> None:
            async with open_administration(self.settings) as administration:
                tiers = [parse_tier(f"free={LIMIT}/month")]
                made = await administration.create_platform("Acme Shop", Mode.TEST, tiers, [])
                self.project, self.secret = made.project.id, made.secret_key
                for customer in ("ada", "bob"):
                    await administration.create_customer(self.project, customer, None)
                    new = await administration.create_key(self.project, customer)
                    self.keys[customer] = new.secret

        asyncio.run(run())

    def start(
        self, command: Sequence[str], folder: Path, environ: dict[str, str]
    ) -> subprocess.Popen[str]:
        """Start a program in its own process group, whose output goes to the log."""
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environ},
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._ends.callback(_end, process)
        return process

    def log(self) -> str:
        """Return what all programs wrote."""
        return (self.folder / "log").read_text()

    def serve(self, over_limit: int = 429) -> tuple[str, str]:
        """Start a gateway; return the URLs of its edge and its service.

        `OPEN` needs no key.
        """
        # Questions about a path are answered from here; nothing is ever sent to the upstream.
        open_path = {"prefix": OPEN, "public": True, "upstreams": ["http://127.0.0.1:9"]}
        place = installation(
            self.folder,
            store=self.settings.store,
            authorize_limit_status=over_limit,
            routes=[open_path],
        )
        gateway = self._ends.enter_context(place.serving())
        return gateway.edge, gateway.service

    def stop(self) -> None:
        """Have all programs end, the last one first: whoever holds leases gives them back."""
        self._ends.close()

    def used(self, customer: str) -> int:
        """Return what the ledger has of a customer once everything has ended."""

        async def run() -> int:
            async with open_administration(self.settings) as administration:
                project = await administration.project(self.project)
            gateway = Gateway(self.settings)
            try:
                await gateway.start()
                verdict = await gateway.admission.usage(project, customer)
            finally:
                await gateway.close()
            assert verdict.usage is not None
            return verdict.usage.used

        return asyncio.run(run())

    def until_up(self, url: str, process: subprocess.Popen[str]) -> None:
        """Wait until something answers at a URL."""

        def is_up() -> bool:
            assert process.poll() is None, self.log()
            # A front proxy may listen before it knows its routes.
            return status_of(url) not in {None, 404, 502, 503}

        until(is_up, f"answered at {url}")


def _end(process: subprocess.Popen[str]) -> None:
    """End a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
