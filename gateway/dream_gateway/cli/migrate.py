"""`dream-gateway migrate`: the records' schema, brought up to date before the first new node starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import check_there
from dream_gateway.records.migrate import HEAD, KNOWN, OLDEST, is_newer, migrate, revision_of, steps
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from dream_gateway.records.migrate import Step


@click.command("migrate")
@click.option("--plan", is_flag=True, help="Only say what would be done.")
@with_session()
def command(session: Session, *, plan: bool) -> None:
    """Bring the records' schema up to date; nodes that run meanwhile go on.

    A gateway that starts does so by itself; this is for doing it before.
    """
    found, missing = asyncio.run(_run(session, only_plan=plan))
    applied = bool(missing) and not plan
    if session.as_json:
        rows = [{"revision": step.revision, "brings": step.brings} for step in missing]
        session.line(
            {
                "found": found,
                "newest": HEAD,
                "isNewer": is_newer(found),
                "steps": rows,
                "applied": applied,
            }
        )
        return
    for step in missing:
        click.echo(f"{step.revision}  {step.brings}")
    session.show({"found": found, "newest": HEAD, "steps": len(missing), "applied": applied})
    if missing and found in KNOWN[: KNOWN.index(OLDEST)]:
        click.echo(f"stop nodes of versions before revision {OLDEST} first", err=True)
    if is_newer(found):
        click.echo(
            f"the schema is of a newer version, which lets this one ({HEAD}) run on it", err=True
        )


async def _run(session: Session, *, only_plan: bool) -> tuple[str | None, list[Step]]:
    stores = Stores(session.settings, SystemClock())
    try:
        for _, _, backend in stores.each() if only_plan else ():
            check_there(backend)
        await stores.start()
        engine = stores.records_engine()
        found = await revision_of(engine)
        if not only_plan:
            await migrate(engine)
    finally:
        await stores.close()
    return found, steps(found)
