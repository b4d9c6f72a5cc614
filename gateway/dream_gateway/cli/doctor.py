"""`dream-gateway doctor`: looks at everything a gateway needs, and says what to do."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from dream_gateway.cli.examination import examine
from dream_gateway.cli.output import echo
from dream_gateway.cli.session import Session, with_session

if TYPE_CHECKING:
    from dream_gateway.cli.finding import Finding

FAILED = 1


@click.command("doctor")
@click.option("--upstream", metavar="URL", help="URL of the API behind the gateway.")
@with_session("upstream")
def command(session: Session) -> None:
    """Check the settings, store, schema, clock, journals and upstreams; say what to do."""
    findings = asyncio.run(examine(session.loaded))
    bad = [finding for finding in findings if finding.advice]
    if session.as_json:
        session.line({"ok": not bad, "checks": [_row(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
    if bad:
        names = ", ".join(finding.name for finding in bad)
        click.echo(f"error: unhealthy: {names}: {bad[0].advice}", err=True)
        sys.exit(FAILED)


def _row(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "ok": not finding.advice,
        "detail": finding.detail,
        "advice": finding.advice or None,
    }


def _print(finding: Finding) -> None:
    mark = "bad" if finding.advice else "ok "
    echo(f"{mark}  {finding.name:<9} {finding.detail}")
    if finding.advice:
        echo(f"     {'':<9} -> {finding.advice}")
