"""`dream-gateway project`: what becomes of projects."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.administration import open_administration
from dream_gateway.cli.rendering import project_row, time_text
from dream_gateway.cli.session import Session, with_session

COLUMNS = ("platformId", "projectId", "name", "mode", "defaultTier", "deletedAt")


@click.group("project")
def command() -> None:
    """List, promote, delete and restore projects."""


@command.command("list")
@click.option("--deleted", is_flag=True, help="List those that are deleted instead.")
@with_session()
def show(session: Session, *, deleted: bool) -> None:
    """List projects, oldest first."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            found = await admin.platforms(deleted=deleted)
        rows = [
            {
                **project_row(project, project.name),
                "type": project.type,
                "origins": list(project.origins),
                "deletedAt": time_text(project.deleted_at),
            }
            for _, project in found
        ]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("promote")
@click.argument("project", metavar="PROJECT")
@with_session()
def promote(session: Session, *, project: str) -> None:
    """Make a test project's live project like it: settings, tiers and products.

    The first time, the live project is made, and its keys are shown now, and never again.
    """

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            live, made = await admin.promote(project)
        answer: dict[str, object] = {"platformId": live.platform_id, "projectId": live.id}
        if made is not None:
            answer |= {"publishableKey": made.publishable_key, "secretKey": made.secret_key}
        session.show(answer)

    asyncio.run(run())


@command.command("delete")
@click.argument("project", metavar="PROJECT")
@with_session()
def delete(session: Session, *, project: str) -> None:
    """Delete a project: its keys stop within a second, and nothing of it is lost yet."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            gone = await admin.delete_project(project)
        session.show({"projectId": gone.id, "restoreDays": session.settings.restore_days})

    asyncio.run(run())


@command.command("restore")
@click.argument("project", metavar="PROJECT")
@with_session()
def restore(session: Session, *, project: str) -> None:
    """Bring a deleted project back, with its keys as they were."""

    async def run() -> None:
        async with open_administration(session.settings, create=False) as admin:
            found = await admin.restore_project(project, session.settings.restore_days)
        session.show({"projectId": found.id})

    asyncio.run(run())
