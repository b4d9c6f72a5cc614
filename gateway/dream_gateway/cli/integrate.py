"""`dream-gateway integrate`: puts a project of yours behind the gateway."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.output import echo
from dream_gateway.cli.project_files import read_tree, write_change
from dream_gateway.cli.session import Session, with_session
from dream_gateway.integrate.detection import detect
from dream_gateway.integrate.frameworks import FRAMEWORKS, plan
from dream_gateway.integrate.naming import EDGE_URL, SERVICE_URL, Naming

if TYPE_CHECKING:
    from dream_gateway.integrate.plan import Plan

UNPLACED = 1
"""Exit status where lines are left to be added by hand: the API is not guarded without them."""

BY_HAND = "nothing is changed: lines are to be added by hand, and until then nothing is guarded"

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("integrate")
@click.argument("framework", required=False, type=click.Choice(list(FRAMEWORKS)))
@click.option("--directory", type=FOLDER, default=".", help="The project's folder.")
@click.option("--write", is_flag=True, help="Write the files instead of printing them.")
@click.option("--dry-run", is_flag=True, help="Show what --write would change, as a diff.")
@click.option("--project", default="", help="The project's id (prj_...), or its name.")
@click.option("--edge-url", default=EDGE_URL, show_default=True, help="Where the edge is.")
@click.option("--service-url", default=SERVICE_URL, show_default=True, help="Where the service is.")
@with_session()
def command(
    session: Session,
    *,
    framework: str | None,
    directory: Path,
    write: bool,
    dry_run: bool,
    project: str,
    edge_url: str,
    service_url: str,
) -> None:
    """Print what guards your API: code for its framework, or its front proxy's configuration.

    The framework is told by the folder's files, unless it is named. Secrets are in no file: the
    code reads them from variables, which are named after the project.
    """
    if write and dry_run:
        raise click.UsageError("--write and --dry-run exclude each other.")
    name = asyncio.run(_name(session, project)) if project.startswith("prj_") else project
    naming = Naming(name, _checked("--edge-url", edge_url), _checked("--service-url", service_url))
    tree = read_tree(directory)
    made = plan(framework or _detected(tuple(detect(tree))), tree, naming)
    if write:
        for change in made.changes:
            write_change(directory, change)
    if session.as_json:
        session.line(_row(made, written=write))
    elif dry_run:
        echo("".join(change.diff() for change in made.changes), nl=False)
        if made.is_unplaced and not made.changes:
            echo(BY_HAND, err=True)
        _tell_rest(made, err=True)
    else:
        _tell(made, written=write)
        _tell_rest(made)
    if (write or dry_run) and made.is_unplaced:
        sys.exit(UNPLACED)


async def _name(session: Session, project: str) -> str:
    """Return the name of a project of the store."""
    async with open_administration(session.settings, create=False) as administration:
        return (await administration.project(project)).name


def _detected(found: tuple[str, ...]) -> str:
    if len(found) == 1:
        return found[0]
    told = f"found {', '.join(found)}" if found else "found no framework that is known"
    raise click.UsageError(f"{told}; name one of: {', '.join(FRAMEWORKS)}.")


def _checked(option: str, url: str) -> str:
    scheme, _, rest = url.rstrip("/").partition("://")
    host, _, port = rest.rpartition(":")
    safe = rest.isascii() and not set(rest) & set("\"'`\\ \t\r\n{}$;/@")
    if scheme not in {"http", "https"} or not host or not port.isdigit() or not safe:
        raise click.BadParameter("not like http://HOST:PORT", param_hint=option)
    return url.rstrip("/")


def _tell(made: Plan, *, written: bool) -> None:
    for change in made.changes:
        if written:
            echo(f"{'changed' if change.before else 'wrote'}  {change.path}")
        else:
            echo(f"--- {change.path} ---\n{change.after}")
    if not made.changes:
        echo(BY_HAND if made.is_unplaced else "nothing to change")


def _tell_rest(made: Plan, *, err: bool = False) -> None:
    for hand in made.by_hand:
        echo(f"\n{hand.path} {hand.why}; it is left as it is. Add:\n\n{hand.lines}", err=err)
    for number, step in enumerate(made.steps, 1):
        echo(f"{number}. {step}", err=err)


def _row(made: Plan, *, written: bool) -> dict[str, object]:
    return {
        "framework": made.framework,
        "written": written,
        "changes": [{"path": each.path, "diff": each.diff()} for each in made.changes],
        "byHand": [{"path": e.path, "why": e.why, "lines": e.lines} for e in made.by_hand],
        "steps": made.steps,
    }
