"""`dream-gateway plugins`: the backends and plugins that are installed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dream_gateway.cli.session import Session, with_session
from dream_gateway.errors import GatewayError
from dream_gateway.plugins import BACKENDS, PLUGINS, Plugins, examine, hooks_of

if TYPE_CHECKING:
    from dream_gateway.plugins import Installed
    from dream_gateway.settings import Settings

COLUMNS = ("kind", "name", "package", "version", "used", "hooks", "fault")


@click.group("plugins")
def command() -> None:
    """List the backends and plugins that are installed here."""


@command.command("list")
@with_session()
def show(session: Session) -> None:
    """List every backend by its URL scheme and every plugin by its name.

    Imports them all. A fault says why one cannot be used, and what to install for it.
    """
    settings = session.settings
    rows = [_row("backend", each, _stores(settings), ()) for each in examine(BACKENDS, "store")]
    for each in examine(PLUGINS, "plugin"):
        hooks, fault = _hooks(each.name, settings)
        rows.append(_row("plugin", each, set(settings.plugins), hooks, fault))
    session.show_list(rows, COLUMNS)


def _row(
    kind: str, found: Installed, used: set[str], hooks: tuple[str, ...], fault: str = ""
) -> dict[str, object]:
    return {
        "kind": kind,
        "name": found.name,
        "package": found.package,
        "version": found.version,
        "used": found.name in used,
        "hooks": list(hooks),
        "fault": found.fault or fault,
    }


def _stores(settings: Settings) -> set[str]:
    """Return the URL schemes of the stores that are set."""
    urls = (settings.store, settings.records, settings.ledger, settings.kv, settings.feed)
    return {url.partition(":")[0] for url in urls if url}


def _hooks(name: str, settings: Settings) -> tuple[tuple[str, ...], str]:
    """Return the hooks that a plugin implements, and what is wrong with them or its settings."""
    hooks: tuple[str, ...] = ()
    try:
        hooks = hooks_of(name)
        if name in settings.plugins:
            Plugins({name: settings.plugins[name]})
    except GatewayError as error:
        return hooks, error.detail
    except Exception as error:  # noqa: BLE001 - somebody else's module
        return hooks, f"The plugin {name!r} cannot be used: {type(error).__name__}."
    return hooks, ""
