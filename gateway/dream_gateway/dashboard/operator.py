"""`/operator`: everything that runs here, for whoever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway import series
from dream_gateway.dashboard import charts, spans
from dream_gateway.dashboard.page import Page, Who
from dream_gateway.errors import GatewayError
from dream_gateway.records import estate, reports, rollups
from dream_gateway.series import Granularity, start_of
from dream_gateway.service.paging import cut, decode_cursor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.records.reports import WorkerReport

PATH = "/operator"
ACTS = {"suspend": "suspended", "resume": "resumed"}
PLATFORMS_AT_ONCE = 50
ALIVE_SECONDS = 60.0
SLOW_SECONDS = 1.0
"""From which 95th percentile on an upstream is called slow."""


class OperatorPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        act = "/operator/console/{platform}/{act}"
        return (
            Page("GET", PATH, self.show, Who.OPERATOR),
            Page("POST", act, self.act, Who.OPERATOR),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the totals, the health of everything, and the platforms."""
        span = spans.span(visit.query.get("span", "day"), self._desk.now)
        after = decode_cursor(visit.query.get("cursor") or None)
        month = float(start_of(Granularity.MONTH, span.until))
        async with self._desk.read() as connection:
            totals = await estate.totals(connection)
            found = await estate.page(connection, after, PLATFORMS_AT_ONCE + 1, month)
            workers = await reports.since(connection, span.until - ALIVE_SECONDS)
            points = await rollups.series(
                connection,
                None,
                span.kind.stored,
                (series.REQUESTS, series.UNITS, series.DENIED),
                span.bounds,
            )
        holdings, cursor = cut(found, PLATFORMS_AT_ONCE, lambda each: each.platform.id)
        buckets = spans.gathered(span, points)
        requests = spans.summed(buckets, series.REQUESTS, "Admitted", "first")
        denied = spans.summed(buckets, series.DENIED, "Denied", "second")
        return self._desk.show(
            visit,
            "operator.html",
            span=span,
            kinds=spans.KINDS,
            totals=totals,
            units=spans.summed(buckets, series.UNITS, "Units", "third").total,
            requests=requests,
            denied=denied,
            refusals=spans.by_detail(buckets, series.DENIED),
            traffic=charts.columns("Requests", "requests", span.labels, [requests, denied]),
            health=await self._desk.gateway.health(),
            workers=workers,
            upstreams=list(_upstreams(workers)),
            slow=SLOW_SECONDS,
            holdings=holdings,
            cursor=cursor,
        )

    async def act(self, visit: Visit) -> Response:
        """Suspend a platform, or resume it."""
        act = visit.parameters["act"]
        path = "/operator/platforms/{platformId}/" + act
        if act not in ACTS:
            return self._desk.go(PATH)
        try:
            await self._desk.act(visit, "POST", path, {"platformId": visit.parameters["platform"]})
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(PATH, ACTS[act])


def _upstreams(workers: Sequence[WorkerReport]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each worker says of each upstream, the worst first."""
    said = [
        (worker.worker, upstream)
        for worker in workers
        for upstream in worker.report.get("upstreams", [])
    ]
    yield from sorted(said, key=lambda each: (-each[1]["failures"], -each[1]["errors"]))
