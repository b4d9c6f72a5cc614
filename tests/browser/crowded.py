"""A gateway as people start it, whose dashboard has 10,000 customers and 90 days behind it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.dashboard.every_page import places
from tests.local.conftest import CHEAP
from tests.servers.gateway import installation
from tests.servers.ports import free_port
from tests.servers.processor import seconds_of

from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import open_records
from dream_gateway.demo.crowd import Crowd
from dream_gateway.demo.past import seed_dashboard
from dream_gateway.demo.payments import FakePayments
from dream_gateway.demo.seed import seed
from dream_gateway.encryption_keys import mint_key
from dream_gateway.settings import Settings
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATOR = "an operator's token, which nobody can guess"
FULL = Crowd()


@dataclass(frozen=True, slots=True)
class Crowded:
    """What runs: `link` is a path that signs in once, `project` the one with the crowd.

    `names` are what is named in the addresses of `every_page`.
    """

    url: str
    edge: str
    link: str
    project: str
    log: Path
    names: dict[str, str]
    pid: int

    def spent(self) -> float:
        """Return the processor's seconds that the workers took so far."""
        return seconds_of(self.pid)

    @property
    def home(self) -> str:
        return f"{self.url}/dashboard/{self.project}"


@contextmanager
def crowded(folder: Path, store: str, crowd: Crowd = FULL) -> Iterator[Crowded]:
    """Serve a gateway on a store, which gets the crowd first; a fake Stripe takes the money.

    The operator sells platforms a plan, which they may do without for a while.
    """
    with FakeStripe(clock=SystemClock()) as fake, _served(folder, store, crowd, fake) as made:
        yield made


@contextmanager
def _served(folder: Path, store: str, crowd: Crowd, fake: FakeStripe) -> Iterator[Crowded]:
    port = free_port()
    own: dict[str, Any] = {
        "store": store,
        "port": free_port(),
        "service_port": port,
        "service_url": f"http://127.0.0.1:{port}",
        "encryption_keys": [mint_key()],
        "operator_tokens": [OPERATOR],
        "platform_plan": True,
    }
    link, names = asyncio.run(_seeded(Settings(store=store), crowd))
    payments = FakePayments(fake)
    stripe = payments.settings(Settings()).plugins["stripe"]
    place = installation(folder, **own, plugins={"local": CHEAP, "stripe": stripe})
    with place.serving() as gateway:
        payments.tell(gateway.service)
        yield Crowded(
            gateway.service,
            gateway.edge,
            link,
            names["project"],
            gateway.log,
            names,
            gateway.process.pid,
        )


async def _seeded(settings: Settings, crowd: Crowd) -> tuple[str, dict[str, str]]:
    made = await seed(settings, "http://127.0.0.1")
    path = await seed_dashboard(settings, made.project.platform_id, crowd)
    async with open_records(settings) as records, records.read() as connection:
        return path, await places(connection, path.rpartition("%2F")[2])
