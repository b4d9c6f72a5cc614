"""`/api/dashboard` and `/operator/overview`: how projects do, and how the gateway does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import series
from dream_gateway.errors import InvalidRequestError
from dream_gateway.model import KeyKind, KeyStatus, Mode
from dream_gateway.records import (
    accounts,
    credentials,
    customers,
    estate,
    inbox,
    projects,
    reports,
    rollups,
    subscriptions,
    tiers,
)
from dream_gateway.series import Granularity
from dream_gateway.service.authentication import MANAGERS, Auth
from dream_gateway.service.dashboard_shapes import (
    Dashboard,
    DashboardQuery,
    KeysView,
    Overview,
    PartHealth,
    ProjectFigures,
    SeriesQuery,
    SeriesView,
    Totals,
    WebhookView,
)
from dream_gateway.service.dashboard_views import (
    UNITS,
    customer_view,
    event_view,
    figures_of,
    figures_view,
    masked,
    masked_view,
    of_mode,
    point_views,
    worker_view,
)
from dream_gateway.service.failures import READ
from dream_gateway.service.fields import PROJECT_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_cursor
from dream_gateway.service.reply import Answer
from dream_gateway.service.tiers import tier_view
from dream_gateway.service.values import instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.admission import Admission
    from dream_gateway.clock import Clock
    from dream_gateway.model import Project
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

    Health = Callable[[], Awaitable[Mapping[str, str | None]]]

PATH = "/api/dashboard"
OWN_KINDS = (KeyKind.SECRET, KeyKind.PUBLISHABLE)
MOST_KEYS = 50
MOST_PROJECTS = 1_000
RECENT_EVENTS = 10
MOST_POINTS = 1_500
LATEST = {Granularity.MINUTE: 60, Granularity.HOUR: 48, Granularity.DAY: 30}
"""How many spans are told of where nobody says which."""

SECONDS = {Granularity.MINUTE: 60, Granularity.HOUR: 3_600, Granularity.DAY: 86_400}
HEARD_SECONDS = 30.0
"""A worker that nothing was heard of for as long is not told of."""

DAY = 86_400.0


class DashboardRoutes:
    """Tells how projects do. The number of queries does not depend on what there is."""

    def __init__(
        self, directory: Directory, admission: Admission, clock: Clock, health: Health
    ) -> None:
        self._directory = directory
        self._admission = admission
        self._clock = clock
        self._health = health

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "Tell how a project does, with a page of its customers, oldest first",
                self.show,
                Dashboard,
                auth=MANAGERS,
                query=DashboardQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                PATH + "/totals",
                "Tell how a platform's projects do; with a secret key, its own project alone",
                self.totals,
                Totals,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                PATH + "/series",
                "Tell what was counted of a project, span by span",
                self.series,
                SeriesView,
                auth=MANAGERS,
                query=SeriesQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                "/operator/overview",
                "Tell how the gateway does: platforms, stores, workers, upstreams",
                self.overview,
                Overview,
                auth=frozenset({Auth.OPERATOR}),
                errors=READ,
            ),
        )

    async def show(self, call: Call) -> Answer:
        """Tell how the project does."""
        query: DashboardQuery = call.query
        project, now = call.known.project, self._clock.now()
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            connection = reading.connection
            offered = await tiers.of_project(connection, project.id)
            found = await customers.page(connection, project.id, after, query.limit + 1)
            page, cursor = cut(found, query.limit, lambda customer: customer.id)
            paying = await subscriptions.of_customers(connection, [each.id for each in page])
            told = await figures_of(connection, [project.id], now)
            own = await _keys(connection, project)
            events = await inbox.recent(connection, project.id, RECENT_EVENTS)
        by_name = {tier.name: tier for tier in offered}
        usages = await self._admission.usages(project, by_name, page)
        return Answer(
            Dashboard(
                metrics=figures_view(told.values(), now),
                customers=[
                    customer_view(each, usage, paying.get(each.id))
                    for each, usage in zip(page, usages, strict=True)
                ],
                next_cursor=cursor,
                has_more=cursor is not None,
                tiers=[tier_view(tier) for tier in offered],
                keys=own,
                webhook=WebhookView(
                    last_event_at=instant(events[0].received_at) if events else None,
                    recent=[event_view(event) for event in events],
                ),
            )
        )

    async def totals(self, call: Call) -> Answer:
        """Tell how the projects do that the caller may see."""
        now, caller = self._clock.now(), call.known
        async with self._directory.read() as reading:
            connection, seen = reading.connection, [caller.project]
            if caller.credential is None:
                platform = caller.project.platform_id
                seen = await projects.page(connection, platform, None, MOST_PROJECTS, deleted=False)
            found = await figures_of(connection, [each.id for each in seen], now)
        return Answer(
            Totals(
                projects=[
                    ProjectFigures(
                        id=each.id,
                        name=each.name,
                        mode=each.mode,
                        type=each.type,
                        metrics=figures_view([found[each.id]], now),
                    )
                    for each in seen
                ],
                live=of_mode(seen, found, Mode.LIVE, now),
                test=of_mode(seen, found, Mode.TEST, now),
            )
        )

    async def series(self, call: Call) -> Answer:
        """Tell a series of the project."""
        query: SeriesQuery = call.query
        granularity = Granularity(query.granularity)
        starts = _starts(query, granularity, self._clock.now())
        span = (float(starts[0]), float(starts[-1] + 1)) if starts else (0.0, 0.0)
        async with self._directory.read() as reading:
            points = await rollups.series(
                reading.connection, [call.known.project.id], granularity, [query.metric], span
            )
        return Answer(
            SeriesView(
                metric=query.metric,
                unit=UNITS.get(query.metric, "requests"),
                granularity=granularity,
                points=point_views(query.metric, points, starts),
            )
        )

    async def overview(self, call: Call) -> Answer:
        """Tell how the gateway does."""
        del call
        now, faults = self._clock.now(), await self._health()
        async with self._directory.read() as reading:
            connection = reading.connection
            there = await estate.totals(connection)
            found = await figures_of(connection, None, now)
            refused = await rollups.series(
                connection, None, Granularity.HOUR, [series.DENIED], (now - DAY, now + 1)
            )
            workers = await reports.since(connection, now - HEARD_SECONDS)
        denied: dict[str, int] = {}
        for point in refused:
            code = point.metric.partition(".")[2]
            denied[code] = denied.get(code, 0) + point.value
        return Answer(
            Overview(
                platforms=there.platforms,
                suspended_platforms=there.suspended,
                projects=there.projects,
                live=figures_view([found[Mode.LIVE]], now),
                test=figures_view([found[Mode.TEST]], now),
                denied=denied,
                parts={
                    name: PartHealth(ok=why is None, detail=why) for name, why in faults.items()
                },
                workers=[worker_view(report) for report in workers],
            )
        )


async def _keys(connection: AsyncConnection, project: Project) -> KeysView:
    publishable = await projects.publishable_key(connection, project.id)
    own = await credentials.of_project(
        connection, project.id, OWN_KINDS, None, MOST_KEYS, newest=True
    )
    own.reverse()
    account = await accounts.of_platform(connection, project.platform_id, project.mode)
    secrets = [key for key in own if key.kind is KeyKind.SECRET and key.status is KeyStatus.ACTIVE]
    return KeysView(
        publishable_key=publishable,
        secret_key_masked=masked(secrets[-1]) if secrets else None,
        platform_id=project.platform_id,
        api_keys=[masked_view(key) for key in own],
        stripe_account_id=None if account is None else account.account.id,
    )


def _starts(query: SeriesQuery, granularity: Granularity, now: float) -> list[int]:
    """Return when the spans begin that are asked for.

    Raises `InvalidRequestError` for more than make a chart.
    """
    seconds = SECONDS[granularity]
    # Nothing was counted before the epoch; the last span there is has just begun, at most.
    until = now + 1.0 if query.until is None else min(now + 1.0, query.until.timestamp())
    since = until - 1.0 - (LATEST[granularity] - 1) * seconds
    if query.since is not None:
        since = max(0.0, query.since.timestamp())
    if until - since > MOST_POINTS * seconds:
        detail = f"At most {MOST_POINTS} points can be told: ask for a coarser granularity."
        raise InvalidRequestError(
            "A query parameter is wrong.",
            extra={"errors": [{"parameter": "from", "detail": detail}]},
        )
    return series.starts(granularity, since, until)
