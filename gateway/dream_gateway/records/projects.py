"""Queries about projects. Deleted ones are not there, unless a function says otherwise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete as delete_rows
from sqlalchemy import insert, select, update

from dream_gateway import keys
from dream_gateway.errors import ConflictError
from dream_gateway.model import Alignment, Branding, KeyKind, Project, ProjectType
from dream_gateway.records import credentials
from dream_gateway.records.audit import difference
from dream_gateway.records.platforms import refused
from dream_gateway.records.rows import plain, project_of
from dream_gateway.records.schema import origins, platforms, projects
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Allowance, Credential, Mode
    from dream_gateway.records.database import Writer

DAY_SECONDS = 86_400.0
PUBLIC = ("name", "type", "default_tier", "alignment", "allowances", "branding", "origins")
"""The fields whose values the audit log shows."""


class ProjectDraft(NamedTuple):
    """A project to create; its default tier need not be there yet."""

    name: str
    mode: Mode
    default_tier: str
    type: ProjectType = ProjectType.SAAS
    alignment: Alignment = Alignment.ANNIVERSARY
    allowances: tuple[Allowance, ...] = ()
    origins: tuple[str, ...] = ()
    branding: Branding = Branding()
    promoted_from: str | None = None


class NewProject(NamedTuple):
    """A project just made, with its keys; the secret one cannot be had again."""

    project: Project
    publishable_key: str
    secret_key: str


async def create(writer: Writer, platform_id: str, draft: ProjectDraft) -> NewProject:
    """Create a project with a publishable and a secret key."""
    project = Project(
        id=keys.mint_id("prj"),
        platform_id=platform_id,
        created_at=writer.now,
        **draft._asdict(),
    )
    publishable = keys.mint(KeyKind.PUBLISHABLE, draft.mode)
    row = {**_row(project), "publishable_key": publishable}
    await writer.connection.execute(insert(projects).values(row))
    await _put_origins(writer, project)
    shown = {name: row.get(name) for name in PUBLIC if name != "origins"}
    after = {**shown, "origins": list(draft.origins)}
    await _changed(writer, project, "project.create", {"after": after})
    blank = credentials.template(project.id, KeyKind.PUBLISHABLE, writer.now)
    await credentials.mint(writer, draft.mode, blank, publishable)
    _, secret = await credentials.mint(writer, draft.mode, replace(blank, kind=KeyKind.SECRET))
    return NewProject(project, publishable, secret)


async def find(connection: AsyncConnection, project_id: str) -> Project | None:
    """Return a project."""
    found = await _all(connection, _joined().where(projects.c.id == project_id, _there()))
    return found[0] if found else None


async def find_even_deleted(connection: AsyncConnection, project_id: str) -> Project | None:
    """Return a project, a deleted one too."""
    found = await _all(connection, _joined().where(projects.c.id == project_id))
    return found[0] if found else None


async def live_of(connection: AsyncConnection, project_id: str) -> Project | None:
    """Return the live project that was made from a test project."""
    found = await _all(
        connection, _joined().where(projects.c.promoted_from == project_id, _there())
    )
    return found[0] if found else None


async def every(connection: AsyncConnection, *, deleted: bool = False) -> list[tuple[str, Project]]:
    """Return every project with its platform's name, oldest first; or every deleted one."""
    there = projects.c.deleted_at.is_not(None) == deleted
    query = _joined().where(there).order_by(projects.c.position)
    names = select(platforms.c.id, platforms.c.name)
    by_id = {row.id: row.name for row in await connection.execute(names)}
    return [(by_id[each.platform_id], each) for each in await _all(connection, query)]


async def page(
    connection: AsyncConnection, platform_id: str, after: str | None, limit: int, *, deleted: bool
) -> list[Project]:
    """Return at most `limit` of a platform's projects, oldest first, from the one after `after`.

    All of them are deleted ones, or none is.
    """
    query = _joined().where(
        projects.c.platform_id == platform_id, projects.c.deleted_at.is_not(None) == deleted
    )
    if after is not None:
        start = select(projects.c.position).where(projects.c.id == after).scalar_subquery()
        query = query.where(projects.c.position > start)
    return await _all(connection, query.order_by(projects.c.position).limit(limit))


async def publishable_key(connection: AsyncConnection, project_id: str) -> str | None:
    """Return the project's current publishable key."""
    query = select(projects.c.publishable_key).where(projects.c.id == project_id)
    return (await connection.execute(query)).scalar()


async def change(writer: Writer, project: Project) -> None:
    """Store a project's new values."""
    row, run = _row(project), writer.connection.execute
    before = await find_even_deleted(writer.connection, project.id)
    await run(update(projects).where(projects.c.id == project.id).values(row))
    await _put_origins(writer, project)
    seen = None if before is None else {**_row(before), "origins": before.origins}
    details = difference(seen, {**row, "origins": project.origins}, PUBLIC)
    await _changed(writer, project, "project.update", details)


async def delete(writer: Writer, project: Project) -> None:
    """Hide a project: its keys stop working, and nothing of it is lost."""
    await _set_deleted(writer, project, writer.now, "project.delete")


async def restore(writer: Writer, project: Project, days: int) -> Project:
    """Bring a deleted project back, with its keys as they were; one that is there stays as it is.

    Raises `ConflictError` if it was deleted longer than `days` ago.
    """
    if project.deleted_at is None:
        return project
    if writer.now > project.deleted_at + days * DAY_SECONDS:
        raise ConflictError(f"It was deleted more than {days} days ago.")
    await _set_deleted(writer, project, None, "project.restore")
    return replace(project, deleted_at=None)


async def rotate_publishable_key(
    writer: Writer, project: Project, grace_seconds: int
) -> tuple[Credential, str]:
    """Give a project another publishable key; the one it has works for `grace_seconds` more."""
    current = await publishable_key(writer.connection, project.id)
    old = await credentials.by_digest(writer.connection, keys.digest(current or ""))
    if old is None:
        old = credentials.template(project.id, KeyKind.PUBLISHABLE, writer.now)
        made = await credentials.mint(writer, project.mode, old)
    else:
        made = await credentials.rotate(writer, project.mode, old, grace_seconds)
    query = update(projects).where(projects.c.id == project.id)
    await writer.connection.execute(query.values(publishable_key=made[1]))
    await _changed(writer, project, "project.rotate")
    return made


async def allows_origin(connection: AsyncConnection, origin: str) -> bool:
    """Return whether any project has this web origin on its list."""
    query = select(origins.c.project_id).join(projects, projects.c.id == origins.c.project_id)
    query = query.where(origins.c.origin == origin, _there()).limit(1)
    return (await connection.execute(query)).first() is not None


async def _set_deleted(writer: Writer, project: Project, at: float | None, action: str) -> None:
    query = update(projects).where(projects.c.id == project.id)
    await writer.connection.execute(query.values(deleted_at=at))
    await _changed(writer, project, action)


async def _put_origins(writer: Writer, project: Project) -> None:
    run = writer.connection.execute
    await run(delete_rows(origins).where(origins.c.project_id == project.id))
    rows = [{"project_id": project.id, "origin": each} for each in project.origins]
    if rows:
        await run(insert(origins), rows)


async def _changed(
    writer: Writer, project: Project, action: str, details: Mapping[str, object] | None = None
) -> None:
    await writer.changed(Subject.PROJECT, project.id, action, details or {"name": project.name})


async def _all(connection: AsyncConnection, query: Select[Any]) -> list[Project]:
    """Return the projects of a query, each with its origins."""
    rows = (await connection.execute(query)).mappings().all()
    of_these = select(origins).where(origins.c.project_id.in_([row["id"] for row in rows]))
    allowed: defaultdict[str, list[str]] = defaultdict(list)
    for row in (await connection.execute(of_these.order_by(origins.c.origin))).mappings():
        allowed[row["project_id"]].append(row["origin"])
    return [project_of(row, allowed[row["id"]]) for row in rows]


def _joined() -> Select[Any]:
    return select(projects, refused()).join_from(projects, platforms)


def _there() -> ColumnElement[bool]:
    return projects.c.deleted_at.is_(None)


def _row(project: Project) -> dict[str, object]:
    """Return a project's row, but for its key and whether it is deleted."""
    return {
        "id": project.id,
        "platform_id": project.platform_id,
        "name": project.name,
        "mode": project.mode.value,
        "default_tier": project.default_tier,
        "alignment": project.alignment.value,
        "allowances": plain(project.allowances),
        "created_at": project.created_at,
        "type": project.type.value,
        "branding": plain(project.branding),
        "promoted_from": project.promoted_from,
    }
