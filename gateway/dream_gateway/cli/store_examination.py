"""The checks of `dream-gateway doctor` that open the store: reachable, schema, lease journals."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dream_gateway.cli.finding import Finding
from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, GatewayError, SchemaTooNewError
from dream_gateway.gateway import journal_dir
from dream_gateway.journal import boot_id, dead_journals
from dream_gateway.plugins import open_backend
from dream_gateway.records.migrate import HEAD, revision_of
from dream_gateway.settings import shown

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.settings import Settings
    from dream_gateway.storage import Backend


async def examine_store(settings: Settings) -> list[Finding]:
    """Return what there is to say of the store; of what is in it, only if it can be opened.

    A store that is not there is made; nothing else is written, and no schema is changed.
    """
    url = str(shown("store", settings.store))
    try:
        backend = open_backend(settings.store, SystemClock())
    except ConfigurationError as error:
        return [Finding("store", url, error.detail)]
    if not backend.shareable and settings.workers > 1:
        return [Finding("store", url, "it is for one process: set workers to 1")]
    try:
        await backend.start()
        found = Finding("store", f"{url}: {backend.durability}")
        return [found, await _schema(backend), await _journals(backend, settings)]
    except GatewayError as error:
        return [Finding("store", url, f"{error.detail} See that it is there, writable and free.")]
    finally:
        await backend.close()


async def _schema(backend: Backend) -> Finding:
    if not backend.shareable:
        return Finding("schema", "made anew at every start")
    try:
        found = await revision_of(backend.records_engine())
    except SchemaTooNewError as error:
        return Finding("schema", "from a newer version", f"{error.detail} Upgrade dream-gateway.")
    if found is None:
        return Finding("schema", f"none yet; the next start makes revision {HEAD}")
    return Finding(
        "schema", "current" if found == HEAD else f"{found}; the next start makes it {HEAD}"
    )


async def _journals(backend: Backend, settings: Settings) -> Finding:
    folder = journal_dir(settings, backend)
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        advice = "let this user write there, or set journal_dir to a folder on a local disk"
        return Finding("journals", f"{folder} cannot be written", advice)
    dead, stranded = await _dead(backend, folder)
    others = len(list(folder.glob("*.journal"))) - dead
    detail = f"{folder}: {others} in use"
    if dead:
        detail += f", {dead} of dead workers with {stranded} leases, given back at the next start"
    return Finding("journals", detail)


async def _dead(backend: Backend, folder: Path) -> tuple[int, int]:
    """Return how many dead workers' journals there are, and the leases in them."""
    journals = leases = 0
    for journal in dead_journals(folder, await backend.ledger().identity(), boot_id()):
        journals, leases = journals + 1, leases + len(journal.returns)
        journal.release()
    return journals, leases
