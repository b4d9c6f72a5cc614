"""`dream-gateway settings`: the table of settings, as it stands or as a reference page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from dream_gateway.cli.output import echo
from dream_gateway.cli.session import Session, with_session
from dream_gateway.configuration import DEFAULT_SOURCE, ENVIRONMENT_PREFIX
from dream_gateway.plugins import Plugins
from dream_gateway.settings import RouteSettings
from dream_gateway.settings_table import Row, secrets, shown, table

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "***"  # noqa: S105 - what is shown in the place of one

PAGE_HEAD = """\
# Settings

A flag beats the environment, which beats the configuration file (`--config FILE` or
`DREAM_GATEWAY_CONFIG`; TOML), which beats the default. An unknown setting or a bad value is refused
at the start, with the file or variable it came from. `dream-gateway settings` prints what holds and
where it came from.

This page is written by `dream-gateway settings --markdown`.

| setting | environment | type | default | what it is |
|---|---|---|---|---|
"""

ROUTES_HEAD = """
## Routes

One `[[routes]]` table each. The longest prefix that matches wins; what matches none goes to
`upstream`.

```toml
upstream = "http://127.0.0.1:3000"

[[routes]]
prefix = "/search"
cost = 5
scopes = ["search"]
```

| setting | type | default | what it is |
|---|---|---|---|
"""


@click.command("settings")
@click.option("--markdown", is_flag=True, help="Print the reference page instead.")
@with_session()
def command(session: Session, *, markdown: bool) -> None:
    """Print every setting, its value, where it came from, and what it is."""
    if markdown:
        echo(reference_page(), nl=False)
        return
    rows = [*(_row(session, row) for row in table()), *_plugin_rows(session)]
    session.show_list(rows, ("name", "value", "source", "help"))


def reference_page() -> str:
    """Return `docs/reference/settings.md`."""
    lines = [
        f"| `{row.name}` | {_variable(row)} | {row.type} | {_markdown(row.default)} | {row.help} |"
        for row in table()
    ]
    routes = [
        f"| `{row.name}` | {row.type} | {_markdown(row.default)} | {row.help} |"
        for row in table(RouteSettings)
    ]
    return PAGE_HEAD + "\n".join(lines) + "\n" + ROUTES_HEAD + "\n".join(routes) + "\n"


def _row(session: Session, row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "value": shown(row.name, getattr(session.settings, row.name)),
        "source": session.loaded.sources[row.name],
        "type": row.type,
        "default": shown(row.name, row.default),
        "help": row.help,
    }


def _plugin_rows(session: Session) -> Iterator[dict[str, object]]:
    """Yield a row for each setting that a configured plugin declares."""
    plugins = Plugins(session.settings.plugins)
    for plugin, given in session.settings.plugins.items():
        declared = plugins.settings_type(plugin)
        if declared is None:
            continue
        values, hidden = msgspec.to_builtins(plugins.settings(plugin)), secrets(declared)
        for row in table(declared):
            yield {
                "name": f"plugins.{plugin}.{row.name}",
                "value": SECRET if row.name in hidden else values.get(row.name),
                "source": session.loaded.sources["plugins"]
                if row.name in given
                else DEFAULT_SOURCE,
                "type": row.type,
                "default": SECRET if row.name in hidden else msgspec.to_builtins(row.default),
                "help": row.help,
            }


def _variable(row: Row) -> str:
    return f"`{ENVIRONMENT_PREFIX}{row.name.upper()}`" if not row.is_file_only else "-"


def _markdown(value: object) -> str:
    if value is None:
        return "the setting's"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value}`" if value not in ("", (), {}) else "-"
