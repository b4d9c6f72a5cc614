"""The checks of `dream-gateway doctor`: each finds one thing well, or says what to do about it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dream_gateway.administration import open_administration
from dream_gateway.clock import SystemClock
from dream_gateway.configuration import DEFAULT_SOURCE
from dream_gateway.errors import ConfigurationError, GatewayError, SchemaTooNewError
from dream_gateway.plugins import Plugins, open_backend
from dream_gateway.settings import shown, without_password

if TYPE_CHECKING:
    from dream_gateway.configuration import Loaded
    from dream_gateway.settings import Settings

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock before this was never set."""

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; an `advice` means that something is wrong."""

    name: str
    detail: str
    advice: str = ""


async def examine(loaded: Loaded) -> list[Finding]:
    """Return the findings of every check, in an order in which to mend things.

    Opens the store, which makes it if it is not there; writes nothing else.
    """
    settings = loaded.settings
    findings = [_settings(loaded), _plugins(settings), _clock(), await _store(settings)]
    if not findings[-1].advice:
        findings += [await _schema(settings), _journals(settings)]
    urls = [settings.upstream] if settings.upstream else []
    urls += [url for route in settings.routes for url in route.upstreams]
    if not urls:
        advice = "set upstream, or give each route its upstreams; /authorize works without"
        findings.append(Finding("upstream", f"none is set: {advice}"))
    for url in dict.fromkeys(urls):
        findings.append(await _upstream(url, settings.connect_timeout))
    return findings


def _settings(loaded: Loaded) -> Finding:
    changed = [name for name, source in loaded.sources.items() if source != DEFAULT_SOURCE]
    return Finding("settings", f"valid; {len(changed)} set, the rest at their defaults")


def _plugins(settings: Settings) -> Finding:
    names = ", ".join(settings.plugins) or "none"
    try:
        Plugins(settings.plugins)
    except GatewayError as error:
        return Finding("plugins", names, error.detail)
    return Finding("plugins", names)


def _clock() -> Finding:
    now = datetime.fromtimestamp(SystemClock().now(), UTC)
    text = now.isoformat(timespec="seconds")
    if now < EARLIEST:
        return Finding("clock", text, "set the system's clock; periods follow it (NTP keeps it so)")
    return Finding("clock", text)


async def _store(settings: Settings) -> Finding:
    url = str(shown("store", settings.store))
    try:
        backend = open_backend(settings.store, SystemClock())
        if not backend.shareable and settings.workers > 1:
            return Finding("store", url, "it is for one process: set workers to 1")
        try:
            await backend.start()
        finally:
            await backend.close()
    except ConfigurationError as error:
        return Finding("store", url, error.detail)
    except GatewayError as error:
        return Finding("store", url, f"{error.detail} See that it is there, writable and free.")
    return Finding("store", f"{url}: {backend.durability}")


async def _schema(settings: Settings) -> Finding:
    if not open_backend(settings.store, SystemClock()).shareable:
        return Finding("schema", "made anew at every start")
    try:
        async with open_administration(settings) as admin:
            await admin.platforms()
    except SchemaTooNewError as error:
        return Finding("schema", "from a newer version", f"{error.detail} Upgrade dream-gateway.")
    except GatewayError as error:
        return Finding("schema", "cannot be read", error.detail)
    return Finding("schema", "current")


def _journals(settings: Settings) -> Finding:
    own = open_backend(settings.store, SystemClock()).journal_dir()
    folder = Path(settings.journal_dir or own or "")
    if not (settings.journal_dir or own):
        return Finding("journals", "in the user's state folder")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        advice = "let this user write there, or set journal_dir to a folder on a local disk"
        return Finding("journals", f"{folder} cannot be written", advice)
    return Finding("journals", str(folder))


async def _upstream(url: str, seconds: float) -> Finding:
    parts = urlsplit(url)
    place = without_password(url)
    port = parts.port or PORTS[parts.scheme]
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer in time"
        return Finding("upstream", f"{place}: {why}", "start it, or correct its URL")
    writer.close()
    return Finding("upstream", f"{place}: reachable")
