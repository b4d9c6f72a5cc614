"""A shop: a store with the keys of two customers, and programs that run on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dream_gateway.administration import open_administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATIENCE_SECONDS = 60.0
LIMIT = 5
OPEN = "/open"
GATEWAY = ("-c", "from dream_gateway.cli import main; main()")


@dataclass
class Shop:
    """Keys of two customers on a tier of five units, and what runs beside them."""

    folder: Path
    project: str = ""
    secret: str = ""
    edge: str = ""
    service: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

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
        """Start a program in its own process group, whose output goes to a file."""
        with (self.folder / f"{len(self.running)}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environ},
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def log(self) -> str:
        """Return what all programs wrote."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def serve(self, over_limit: int = 429) -> tuple[str, str]:
        """Start a gateway; return the URLs of its edge and its service.

        `OPEN` needs no key.
        """
        command = [sys.executable, *GATEWAY, "serve", "--port", "0", "--service-port", "0"]
        at = self.folder / f"{len(self.running)}.log"
        table = self.folder / "gateway.toml"
        # Questions about a path are answered from here; nothing is ever sent to the upstream.
        nowhere = 'upstreams = ["http://127.0.0.1:9"]'
        table.write_text(f'[[routes]]\nprefix = "{OPEN}"\npublic = true\n{nowhere}\n')
        environ = {
            "DREAM_GATEWAY_CONFIG": str(table),
            "DREAM_GATEWAY_STORE": self.settings.store,
            "DREAM_GATEWAY_AUTHORIZE_LIMIT_STATUS": str(over_limit),
        }
        process = self.start([*command, "--json"], self.folder, environ)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if at.read_text().endswith("\n"):
                told: dict[str, Any] = json.loads(at.read_text().splitlines()[0])
                return told["edge"], told["service"]
            time.sleep(0.05)
        pytest.fail(self.log())

    def stop(self) -> None:
        """Have all programs end, the last one first: whoever holds leases gives them back."""
        for process in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()

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
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                # A front proxy may listen before it knows its routes.
                if httpx.get(url, timeout=60, trust_env=False).status_code not in {404, 502, 503}:
                    return
            time.sleep(0.1)
        pytest.fail(self.log())
