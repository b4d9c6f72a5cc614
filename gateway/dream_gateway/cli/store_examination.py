"""The checks of `dream-gateway doctor` that open the stores: reachable, schema, lease journals."""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import TYPE_CHECKING

from dream_gateway.cli.finding import Finding
from dream_gateway.clock import SystemClock
from dream_gateway.command_stores import OneFile, check_there
from dream_gateway.errors import (
    ConfigurationError,
    GatewayError,
    SchemaTooNewError,
    StoreNotFoundError,
)
from dream_gateway.journal import boot_id, dead_journals
from dream_gateway.records.migrate import HEAD, is_newer, revision_of
from dream_gateway.records.sealed import census
from dream_gateway.settings_table import shown
from dream_gateway.storage import Role
from dream_gateway.stores import Stores
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.settings import Settings
    from dream_gateway.storage import Backend, Ledger


async def examine_store(settings: Settings) -> list[Finding]:
    """Return what there is to say of each store; of what is in them, only if all can be opened.

    A store of a file is not made if it is not there, and no schema is changed.
    """
    try:
        stores = Stores(settings, SystemClock())
    except ConfigurationError as error:
        return [Finding("store", str(shown("store", settings.store)), error.detail)]
    if not stores.shareable and settings.workers > 1:
        advice = "it is for one process: set workers to 1"
        return [Finding("store", ", ".join(url for url, _, _ in stores.each()), advice)]
    try:
        found = [await _opened(*store) for store in stores.each()]
        if any(finding.advice for finding in found):
            return found
        schema = await _schema(stores)
        found += [schema, await _journals(stores, settings)]
        return found if schema.advice else found + await _secrets(stores, settings)
    finally:
        await stores.close()


async def _opened(url: str, roles: list[Role], backend: Backend) -> Finding:
    name = f"{url} for {', '.join(roles)}"
    try:
        check_there(backend)
        await backend.start()
    except StoreNotFoundError as error:
        return Finding("store", name, error.detail)
    except GatewayError as error:
        return Finding("store", name, f"{error.detail} See that it is there, writable and free.")
    return Finding("store", f"{name}: {backend.durability}{_seen_by_others(backend)}")


def _seen_by_others(backend: object) -> str:
    """Return a warning of a file that other users of the machine can read, as older versions made."""
    if not isinstance(backend, OneFile) or not backend.file.stat().st_mode & stat.S_IROTH:
        return ""
    return f" Others on this machine can read it: chmod 600 {backend.file}*"


async def _schema(stores: Stores) -> Finding:
    if not stores.of(Role.RECORDS).shareable:
        return Finding("schema", "made anew at every start")
    try:
        found = await revision_of(stores.records_engine())
    except SchemaTooNewError as error:
        return Finding("schema", "from a newer version", f"{error.detail} Upgrade dream-gateway.")
    if found is None:
        return Finding("schema", f"none yet; the next start makes revision {HEAD}")
    if is_newer(found):
        return Finding(
            "schema", f"{found}, of a newer version that lets this one ({HEAD}) run on it"
        )
    return Finding(
        "schema", "current" if found == HEAD else f"{found}; the next start makes it {HEAD}"
    )


async def _secrets(stores: Stores, settings: Settings) -> list[Finding]:
    """Return whether every stored secret can be opened; nothing where there is no schema to ask."""
    engine = stores.records_engine()
    found = await revision_of(engine)
    if not stores.of(Role.RECORDS).shareable or not (found == HEAD or is_newer(found)):
        return []
    async with engine.connect() as connection:
        counts = sum((await census(connection)).values(), Counter[str]())
    vault = Vault(settings.encryption_keys)
    missing = sorted(key_id for key_id in counts if not vault.has(key_id))
    detail = f"{counts.total()} sealed with {len(counts)} keys"
    if missing:
        advice = f"put the keys with these ids back into encryption_keys: {', '.join(missing)}"
        return [Finding("secrets", detail, advice)]
    return [Finding("secrets", detail)]


async def _journals(stores: Stores, settings: Settings) -> Finding:
    folder = stores.journal_dir()
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        advice = "let this user write there, or set journal_dir to a folder on a local disk"
        return Finding("journals", f"{folder} cannot be written", advice)
    dead, stranded = await _dead(stores.ledger(), folder)
    others = len(list(folder.glob("*.journal"))) - dead
    detail = f"{folder}: {others} in use"
    if dead:
        detail += f", {dead} of dead workers with {stranded} leases, given back at the next start"
    return Finding("journals", detail)


async def _dead(ledger: Ledger, folder: Path) -> tuple[int, int]:
    """Return how many dead workers' journals there are, and the leases in them."""
    journals = leases = 0
    for journal in dead_journals(folder, await ledger.identity(), boot_id()):
        journals, leases = journals + 1, leases + len(journal.returns)
        journal.release()
    return journals, leases
