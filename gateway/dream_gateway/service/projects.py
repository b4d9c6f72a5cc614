"""`/platform/projects`: the APIs and stores of a platform, in test and live mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import projects, promotion, tiers
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import CHANGE, CREATE, READ, REPLACE
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PLATFORM_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_cursor
from dream_gateway.service.project_shapes import (
    NewProject,
    ProjectAnswer,
    ProjectChange,
    ProjectPage,
    ProjectQuery,
    ProjectView,
)
from dream_gateway.service.project_values import changed_project, draft, project_view
from dream_gateway.service.reply import Answer
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import NoFields
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.model import Project
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading, Writing
    from dream_gateway.settings import Settings

PATH = "/platform/projects"
ONE = PATH + "/{projectId}"
DAY_SECONDS = 86_400.0


class ProjectRoutes:
    """Creates, shows, changes, promotes, deletes and restores the projects of a platform."""

    def __init__(self, directory: Directory, settings: Settings) -> None:
        self._directory = directory
        self._settings = settings

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                PATH,
                "Create a project; its secret key is shown only here",
                self.create,
                ProjectAnswer,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                status=201,
                request=NewProject,
                fields=(IDEMPOTENCY_KEY, PLATFORM_ID),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "GET",
                PATH,
                "List projects, oldest first",
                self.page,
                ProjectPage,
                auth=DEVELOPERS,
                query=ProjectQuery,
                fields=(PLATFORM_ID,),
                errors=READ,
            ),
            Operation(
                "GET", ONE, "Show a project", self.show, ProjectView, auth=DEVELOPERS, errors=READ
            ),
            Operation(
                "PATCH",
                ONE,
                "Change a project",
                self.change,
                ProjectView,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                request=ProjectChange,
                fields=(IF_MATCH,),
                errors=CHANGE,
            ),
            *self._lifecycle(),
        )

    def _lifecycle(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "POST",
                ONE + "/promote",
                "Make a test project's live project like it, with keys of its own",
                self.promote,
                ProjectAnswer,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                status=201,
                request=NoFields,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY, IF_MATCH),
                creates=True,
                errors=REPLACE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Delete a project; its keys stop at once",
                self.delete,
                None,
                auth=DEVELOPERS,
                least=Role.OWNER,
                fields=(IF_MATCH,),
                errors=CHANGE,
            ),
            Operation(
                "POST",
                ONE + "/restore",
                "Bring a deleted project back, with its keys as they were",
                self.restore,
                ProjectView,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=NoFields,
                body_optional=True,
                of_deleted=True,
                errors=(*READ, ConflictError),
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Create a project with its keys."""
        made = await projects.create(call.writing.writer, call.known.business.id, draft(call.body))
        return _made(project_view(made.project, made.publishable_key), made.secret_key)

    async def page(self, call: Call) -> Answer:
        """List a page of the platform's projects."""
        query: ProjectQuery = call.query
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            found = await projects.page(
                reading.connection,
                call.known.business.id,
                after,
                query.limit + 1,
                deleted=query.deleted,
            )
            page, cursor = cut(found, query.limit, lambda project: project.id)
            views = [await _view(reading, each) for each in page]
        return Answer(ProjectPage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def show(self, call: Call) -> Answer:
        """Show one project."""
        async with self._directory.read() as reading:
            return _shown(await _view(reading, await found_project(reading, call)))

    async def change(self, call: Call) -> Answer:
        """Change what was sent of a project."""
        async with self._directory.write(call.actor) as writing:
            project = await found_project(writing, call)
            check_match(call, await _view(writing, project))
            changed = changed_project(project, call.body)
            if changed.default_tier != project.default_tier:
                await _check_tier(writing, changed)
            if changed != project:
                await projects.change(writing.writer, changed)
            return _shown(await _view(writing, changed))

    async def promote(self, call: Call) -> Answer:
        """Make the live project like a test project."""
        source = await found_project(call.writing, call)
        check_match(call, await _view(call.writing, source))
        live, made = await promotion.promote(call.writing.writer, source)
        view = await _view(call.writing, live)
        return _made(view, None if made is None else made.secret_key)

    async def delete(self, call: Call) -> Answer:
        """Delete a project."""
        async with self._directory.write(call.actor) as writing:
            project = await found_project(writing, call)
            check_match(call, await _view(writing, project))
            await projects.delete(writing.writer, project)
        return Answer(None)

    async def restore(self, call: Call) -> Answer:
        """Bring a deleted project back; one that is there stays as it is."""
        async with self._directory.write(call.actor) as writing:
            project = await projects.find_even_deleted(writing.connection, call.known.project.id)
            if project is None:
                raise NotFoundError
            if project.deleted_at is not None:
                await self._restore(writing, project, project.deleted_at)
            return _shown(await _view(writing, await found_project(writing, call)))

    async def _restore(self, writing: Writing, project: Project, deleted_at: float) -> None:
        days = self._settings.restore_days
        if writing.writer.now > deleted_at + days * DAY_SECONDS:
            raise ConflictError(f"It was deleted more than {days} days ago.")
        await projects.restore(writing.writer, project)


async def found_project(reading: Reading, call: Call) -> Project:
    """Return the project that the path names, as it is now."""
    project = await projects.find(reading.connection, call.known.project.id)
    if project is None:
        raise NotFoundError("There is no such project.")
    return project


async def _view(reading: Reading, project: Project) -> ProjectView:
    return project_view(project, await reading.publishable_key(project.id))


def _shown(view: ProjectView) -> Answer:
    return Answer(view, headers=versioned(view))


def _made(view: ProjectView, secret: str | None) -> Answer:
    return Answer(
        ProjectAnswer(project=view, secret_key=secret),
        headers=versioned(view),
        kept=ProjectAnswer(project=view, replayed=True),
    )


async def _check_tier(reading: Reading, project: Project) -> None:
    if await tiers.named(reading.connection, project.id, project.default_tier) is None:
        raise invalid([Fault("/defaultTier", "The project has no tier of this name.")])
