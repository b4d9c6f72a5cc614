"""`GET /metrics` of a node with real workers: one scrape tells of all, and never less than before."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from tests.server.conftest import customer_key
from tests.waiting import eventually

from dream_gateway.metrics import CATALOGUE
from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.settings import Settings

    Supervise = Callable[..., AbstractAsyncContextManager[Any]]

TOKEN = "operator-token-of-32-characters-or-more"
ACCEPT = "application/openmetrics-text; version=1.0.0"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scraper:
    """Scrapes on a new connection each time, and remembers what only grows."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.client = client
        self.url = url + "/metrics"
        self.highest: Samples = {}

    async def scrape(self) -> Samples:
        """Return all samples; fails if one that only grows has shrunk."""
        headers = {"authorization": f"Bearer {TOKEN}", "accept": ACCEPT, "connection": "close"}
        answer = await self.client.get(self.url, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        found: Samples = {}
        for family in openmetrics(answer.text):  # type: ignore[no-untyped-call] # untyped there
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                found[key] = float(sample.value)
                if family.type in {"counter", "histogram"}:
                    assert found[key] >= self.highest.get(key, 0.0), key
                    self.highest[key] = found[key]
        assert self.highest.keys() <= found.keys()
        return found

    async def until(self, wanted: Samples) -> Samples:
        """Scrape until samples have these values: each process tells of its own by and by."""
        return await eventually(
            self.scrape, f"told {wanted}", holds=lambda found: wanted.items() <= found.items()
        )


async def _ask(client: httpx.AsyncClient, url: str, key: str, times: int) -> set[int]:
    """Ask, each time on a connection of its own, so that any worker may answer."""
    headers = {"connection": "close"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    return {(await client.get(url, headers=headers)).status_code for _ in range(times)}


ALLOWED = ("dream_gateway_verdicts_total", (("code", "allowed"),))
WORKERS = ("dream_gateway_workers", ())
STARTS, DEATHS = (
    ("dream_gateway_worker_starts_total", ()),
    ("dream_gateway_worker_deaths_total", ()),
)


@pytest.mark.long
async def test_one_scrape_tells_of_all_workers_and_never_less_when_they_end(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    key = await customer_key(settings)
    watched = msgspec.structs.replace(
        settings,
        workers=2,
        access_log=True,
        operator_tokens=(TOKEN,),
        plugins={"prometheus": {}},
        routes=(RouteSettings(upstreams=(upstream.url,)),),
    )
    # An object of its own: the same is not put in its place.
    anew = msgspec.structs.replace(watched)
    async with (
        supervise(watched, lambda: anew) as running,
        httpx.AsyncClient(timeout=60) as client,
    ):
        scraper = Scraper(client, running.addresses.service)
        await _all_is_told(scraper, running.addresses.edge, key, upstream.url)
        await _refusals(running.addresses.service)
        await _dead_ones_are_told(scraper, running, key)
        running.supervisor.reload()
        assert await running.told(2) == "reloaded: 2 workers replaced"
        assert await _ask(client, running.addresses.edge, key, 5) == {200}
        await scraper.until({ALLOWED: 45, WORKERS: 2, STARTS: 6, DEATHS: 2})


async def _all_is_told(scraper: Scraper, edge: str, key: str, upstream: str) -> None:
    """Ask 30 times with a key, and a few times without a good one."""
    assert await _ask(scraper.client, edge, key, 30) == {200}
    assert await _ask(scraper.client, edge, "ak_test_nobody", 3) == {401}
    assert await _ask(scraper.client, edge, "", 2) == {401}
    found = await scraper.until(
        {
            ALLOWED: 30,
            ("dream_gateway_units_total", ()): 30,
            ("dream_gateway_verdicts_total", (("code", "invalid_credential"),)): 3,
            ("dream_gateway_verdicts_total", (("code", "missing_credential"),)): 2,
            ("dream_gateway_answer_seconds_count", ()): 30,
            WORKERS: 2,
            ("dream_gateway_upstream_seconds_count", (("upstream", upstream),)): 30,
        }
    )
    assert {name for name, _ in found} >= _samples()


async def _dead_ones_are_told(scraper: Scraper, running: Any, key: str) -> None:
    """Kill a worker, twice, and ask five times after each."""
    for round_ in (1, 2):
        victim = running.supervisor.worker_pids[0]
        os.kill(victim, signal.SIGKILL)
        await running.replaced(victim)
        await scraper.until({DEATHS: round_, WORKERS: 2})
        assert await _ask(scraper.client, running.addresses.edge, key, 5) == {200}
        await scraper.until({ALLOWED: 30 + 5 * round_})
    await scraper.until({STARTS: 4})


def _samples() -> set[str]:
    """Return a sample's name of each metric in the table."""
    return {
        name + ("_bucket" if metric.kind == "histogram" else "")
        for name, metric in CATALOGUE.items()
    }


async def _refusals(service: str) -> None:
    async with httpx.AsyncClient(base_url=service, timeout=60) as client:
        assert (await client.get("/metrics")).status_code == 401
        wrong = {"authorization": f"Bearer {TOKEN}x"}
        assert (await client.get("/metrics", headers=wrong)).status_code == 401
        right = {"authorization": f"Bearer {TOKEN}"}
        assert (await client.post("/metrics", headers=right)).status_code == 405
        assert (await client.get("/metrics/more", headers=right)).status_code == 404
        head = await client.head("/metrics", headers=right)
        assert (head.status_code, head.content) == (200, b"")
        text = await client.get("/metrics", headers=right)
        assert text.headers["content-type"].startswith("text/plain; version=")
        assert "dream_gateway_workers" in {family.name for family in plain(text.text)}


async def test_it_is_open_and_tells_projects_apart_if_it_is_set_so(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    table: dict[str, object] = {"access": "open", "projects": True}
    watched = msgspec.structs.replace(settings, plugins={"prometheus": table})
    async with supervise(watched) as running, httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(running.addresses.service + "/metrics")
        assert answer.status_code == 200
        assert 'dream_gateway_verdicts_total{code="allowed",project=""}' in answer.text
