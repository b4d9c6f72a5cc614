"""The checks of `dream-gateway doctor`: each finds one thing well, or says what to do about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dream_gateway.cli.finding import Finding
from dream_gateway.cli.store_examination import examine_store
from dream_gateway.clock import SystemClock
from dream_gateway.configuration import DEFAULT_SOURCE
from dream_gateway.edge.origin import parse_origin
from dream_gateway.errors import ConfigurationError, GatewayError
from dream_gateway.plugins import Plugins
from dream_gateway.server.certificates import places, read_pair, worries
from dream_gateway.settings_table import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.configuration import Loaded
    from dream_gateway.settings import Settings

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock before this was never set."""


async def examine(loaded: Loaded) -> list[Finding]:
    """Return the findings of every check, in an order in which to mend things.

    Opens the store, and makes none of a file that is not there.
    """
    settings = loaded.settings
    findings = [
        _settings(loaded),
        await _plugins(settings),
        _clock(),
        *_certificates(settings),
        *await examine_store(settings),
    ]
    urls = [settings.upstream] if settings.upstream else []
    urls += [url for route in settings.routes for url in route.upstreams]
    if not urls:
        advice = "set upstream, or give each route its upstreams; /authorize works without"
        findings.append(Finding("upstream", f"none is set: {advice}"))
    return findings + [
        await _upstream(url, settings.connect_timeout) for url in dict.fromkeys(urls)
    ]


def _settings(loaded: Loaded) -> Finding:
    changed = [name for name, source in loaded.sources.items() if source != DEFAULT_SOURCE]
    return Finding("settings", f"valid; {len(changed)} set, the rest at their defaults")


async def _plugins(settings: Settings) -> Finding:
    names = ", ".join(settings.plugins) or "none"
    try:
        plugins = Plugins(settings.plugins)
        try:
            plugins.open()
        finally:
            await plugins.aclose()
    except GatewayError as error:
        return Finding("plugins", names, error.detail)
    return Finding("plugins", names)


def _certificates(settings: Settings) -> Iterator[Finding]:
    now = SystemClock().now()
    for place in places(settings):
        try:
            pair = read_pair(place)
        except ConfigurationError as error:
            yield Finding("tls", place.certificate_setting, error.detail)
            continue
        if pair is not None:
            yield Finding("tls", place.words["certificate"], "; ".join(worries(place, pair, now)))


def _clock() -> Finding:
    now = datetime.fromtimestamp(SystemClock().now(), UTC)
    text = now.isoformat(timespec="seconds")
    if now < EARLIEST:
        return Finding("clock", text, "set the system's clock; periods follow it (NTP keeps it so)")
    return Finding("clock", text)


async def _upstream(url: str, seconds: float) -> Finding:
    place = without_password(url)
    try:
        origin = parse_origin(url)
        async with asyncio.timeout(seconds):
            if origin.socket is None:
                _, writer = await asyncio.open_connection(origin.host, origin.port)
            else:
                _, writer = await asyncio.open_unix_connection(origin.socket)
    except ConfigurationError as error:
        return Finding("upstream", place, error.detail)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer in time"
        return Finding("upstream", f"{place}: {why}", "start it, or correct its URL")
    writer.close()
    return Finding("upstream", f"{place}: reachable")
