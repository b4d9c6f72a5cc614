"""Queries about what workers say of themselves, every few seconds while they live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select, update

from dream_gateway.records.rollup_schema import worker_reports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


class WorkerReport(NamedTuple):
    """What a worker said of itself last, and when, in seconds since the epoch."""

    worker: str
    at: float
    report: Mapping[str, Any]


async def put(writer: Writer, worker: str, report: Mapping[str, Any]) -> None:
    """Note what a worker says of itself, over what it said before. It alone may do so."""
    run, values = writer.connection.execute, {"at": writer.now, "report": dict(report)}
    here = worker_reports.c.worker == worker
    done = await run(update(worker_reports).where(here).values(values))
    if not done.rowcount:
        await run(insert(worker_reports).values(worker=worker, **values))


async def since(connection: AsyncConnection, at: float) -> list[WorkerReport]:
    """Return what each worker said that was heard of since an instant, by their names."""
    query = select(worker_reports).where(worker_reports.c.at >= at)
    rows = await connection.execute(query.order_by(worker_reports.c.worker))
    return [WorkerReport(row.worker, row.at, row.report) for row in rows]


async def remove(writer: Writer, worker: str) -> None:
    """Forget a worker that ends."""
    here = worker_reports.c.worker == worker
    await writer.connection.execute(delete(worker_reports).where(here))


async def prune(writer: Writer, before: float) -> None:
    """Forget workers that nothing was heard of since an instant."""
    await writer.connection.execute(delete(worker_reports).where(worker_reports.c.at < before))
