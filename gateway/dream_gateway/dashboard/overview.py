"""`/dashboard/{project}`: how the project does, at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from dream_gateway import series
from dream_gateway.dashboard import charts, formats, spans
from dream_gateway.dashboard.page import Page
from dream_gateway.records import customers, figures, progress, rollups
from dream_gateway.series import Granularity, start_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.spans import Span
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.model import Customer
    from dream_gateway.records.figures import Subscribed
    from dream_gateway.records.rollups import Point, Used

PATH = "/dashboard/{project}"
CHARTED = (series.REQUESTS, series.DENIED, series.LATENCY)
MOST_CUSTOMERS = 8
RETRY_MILLISECONDS = 3_000
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows. `units` are those of this calendar month, UTC, of all customers."""

    subscribed: Subscribed
    customers: int
    active: int
    units: int
    points: Sequence[Point]
    top: Sequence[tuple[Customer, Used]]


class OverviewPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("GET", PATH + "/live", self.live, by_itself=True),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the cards, the charts and the top customers."""
        span = spans.span(visit.query.get("span", ""), self._desk.now)
        async with self._desk.read() as connection:
            found = await read(connection, visit.place.project.id, span)
            steps = await progress.of_project(connection, visit.place.project.id)
        buckets = spans.gathered(span, found.points)
        requests = spans.summed(buckets, series.REQUESTS, "Admitted", "first")
        denied = spans.summed(buckets, series.DENIED, "Denied", "second")
        return self._desk.show(
            visit,
            "overview.html",
            span=span,
            kinds=spans.KINDS,
            found=found,
            steps=steps,
            has_customers=self._desk.table.has(PATH + "/customers/{customer}"),
            requests=requests,
            denied=denied,
            refusals=spans.by_detail(buckets, series.DENIED),
            traffic=charts.columns("Requests", "requests", span.labels, [requests, denied]),
            refused=charts.columns("Denied requests", "requests", span.labels, [denied]),
            latency=charts.lines(
                "Latency",
                "milliseconds",
                span.labels,
                [
                    spans.quantiles(buckets, 0.5, "Median", "first"),
                    spans.quantiles(buckets, 0.99, "99th percentile", "third"),
                ],
            ),
        )

    async def live(self, visit: Visit) -> Response:
        """Give the counters as server-sent events: one, after which the browser asks again.

        So nothing is held open that a worker would wait for when it stops.
        """
        now, project = self._desk.now, visit.place.project.id
        since = start_of(Granularity.DAY, now)
        async with self._desk.read() as connection:
            today = await rollups.series(
                connection, [project], Granularity.DAY, CHARTED[:2], (since, now)
            )
            minute = await rollups.series(
                connection, [project], Granularity.MINUTE, CHARTED[:1], (now - MINUTE, now)
            )
        texts = {
            "live-today": formats.number(_sum(today, series.REQUESTS)),
            "live-denied": formats.number(_sum(today, series.DENIED)),
            "live-minute": formats.number(max((point.value for point in minute), default=0)),
        }
        data = msgspec.json.encode(texts).decode()
        return Response(
            f"retry: {RETRY_MILLISECONDS}\ndata: {data}\n\n",
            headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
            media_type="text/event-stream",
        )


async def read(connection: AsyncConnection, project_id: str, span: Span) -> Overview:
    """Read what the page shows: seven queries, whatever there is."""
    month = float(start_of(Granularity.MONTH, span.until))
    units = await rollups.series(
        connection, [project_id], Granularity.DAY, (series.UNITS,), (month, span.until)
    )
    top = await rollups.top_customers(
        connection, project_id, Granularity.MONTH, span.until, MOST_CUSTOMERS
    )
    known = await customers.by_ids(connection, project_id, [each.customer_id for each in top])
    return Overview(
        subscribed=(await figures.subscribed(connection, [project_id], span.until))[project_id],
        customers=(await figures.customers(connection, [project_id]))[project_id],
        active=await rollups.active_customers(
            connection, project_id, Granularity.MONTH, span.until
        ),
        units=_sum(units, series.UNITS),
        points=await rollups.series(
            connection, [project_id], span.kind.stored, CHARTED, span.bounds
        ),
        top=[(known[e.customer_id], e.used) for e in top if e.customer_id in known],
    )


def _sum(points: Sequence[Point], metric: str) -> int:
    return sum(point.value for point in points if series.is_of(point.metric, metric))
