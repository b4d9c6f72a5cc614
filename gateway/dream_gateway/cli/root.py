"""The top of the command line: finds commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dream_gateway.cli.output import OutputError
from dream_gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
FILE_VARIABLE = "DREAM_GATEWAY_CONFIG"
"""The same as in `dream_gateway.configuration`, which is too slow to import for `--help`."""

COMMANDS = {
    "serve": "Run the gateway: the edge and the service.",
    "demo": "Try the gateway with a bundled example API.",
    "integrate": "Put your API behind the gateway: its code, or its front proxy's configuration.",
    "mcp": "Serve the Model Context Protocol: tools for assistants.",
    "platform": "Create, list, suspend and resume platforms.",
    "project": "List, promote, delete and restore projects.",
    "customer": "Create, list, suspend and resume customers of a project.",
    "key": "Create, list, rotate and revoke customers' keys.",
    "tier": "Set, list and delete a project's tiers.",
    "product": "Set, list and delete a project's products.",
    "usage": "Show what a customer has used.",
    "billing": "Push what is for sale to the payment provider, and compare what it has.",
    "webhooks": "List what payment providers told, and have it dealt with again.",
    "import": "Import an export, or what the system before this one kept.",
    "export": "Write everything of a platform as lines of JSON.",
    "audit": "List who changed what, and when.",
    "secrets": "Make encryption keys, and seal what is stored with the newest.",
    "plugins": "List the backends and plugins that are installed.",
    "backup": "Write the store to a file, while the gateway serves.",
    "restore": "Put a backup into the place of the store.",
    "migrate": "Bring the records' schema up to date, or say what that would do.",
    "doctor": "Check the settings, the store and the upstream; say what to do.",
    "health": "Ask the service of this machine how it is.",
    "settings": "Print every setting, its value, and where it came from.",
}
"""Commands and their help, so that `--help` imports none; `cli/NAME.py` defines `NAME`."""

MODULES = {"import": "importing", "export": "exporting"}
"""Modules of another name: `import` is a word of the language."""


class RootGroup(click.Group):
    """The commands of this package, imported on use, and those of configured plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order people need them."""
        return [*COMMANDS, *(command.name or "" for command in _plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; `None` if there is none of that name."""
        if cmd_name in COMMANDS:
            name = MODULES.get(cmd_name, cmd_name)
            module = importlib.import_module(f"dream_gateway.cli.{name}")
            command: click.Command = module.command
            return command
        found = (command for command in _plugin_commands() if command.name == cmd_name)
        return next(found, None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their help without importing them."""
        rows = list(COMMANDS.items())
        rows += [(c.name or "", c.get_short_help_str()) for c in _plugin_commands()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dream-gateway")
def root() -> None:
    """Put API keys, tiers, rate limits and exact usage counting in front of your API."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 failed, 2 misused. Failures are one line on stderr."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = root.main(arguments, prog_name="dream-gateway", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - people get a line, no traceback
        if os.environ.get("DREAM_GATEWAY_LOG_LEVEL") == "debug":
            traceback.print_exception(error)
        if isinstance(error, OutputError) and error.gone:
            return FAILED  # Whoever read the output has left: there is nobody to tell.
        word, detail, code = _explained(error)
        click.echo(f"error: {word}: {' '.join(detail.split())}", err=True)
    return code if isinstance(code, int) else 0


def _explained(error: BaseException) -> tuple[str, str, int]:
    """Return an error's code, what to tell people, and the exit code."""
    if isinstance(error, GatewayError):
        return error.code, error.detail, FAILED
    if isinstance(error, click.UsageError):
        return "usage", error.format_message(), MISUSED
    if isinstance(error, click.ClickException):
        return "failed", error.format_message(), FAILED
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "interrupted", "Interrupted.", INTERRUPTED
    hint = "set DREAM_GATEWAY_LOG_LEVEL=debug to see where"
    return "internal_error", f"An unexpected {type(error).__name__}; {hint}.", FAILED


def _plugin_commands() -> tuple[click.Command, ...]:
    """Return the commands of the plugins in the file that `DREAM_GATEWAY_CONFIG` names."""
    if not os.environ.get(FILE_VARIABLE):
        return ()
    from dream_gateway.configuration import load_settings  # noqa: PLC0415 - slow, and seldom needed
    from dream_gateway.plugins import Plugins  # noqa: PLC0415 - as above

    loaded = load_settings(Path(os.environ[FILE_VARIABLE]), {}, {})
    return Plugins(loaded.settings.plugins).commands()
