"""Projects between JSON and the records: what shapes cannot check, and both directions of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UNSET

from dream_gateway.model import Branding
from dream_gateway.origins import origin_of
from dream_gateway.records.projects import ProjectDraft
from dream_gateway.service.project_shapes import BrandingShape, ProjectView
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.service.web_origins import is_bare

if TYPE_CHECKING:
    from dream_gateway.model import Project
    from dream_gateway.service.project_shapes import NewProject, ProjectChange


def draft(asked: NewProject) -> ProjectDraft:
    """Return the project to create. Raises `InvalidRequestError` for what is no origin."""
    return ProjectDraft(
        name=asked.name,
        mode=asked.mode,
        default_tier=asked.default_tier,
        type=asked.type,
        alignment=asked.alignment,
        origins=origins(asked.origins),
        branding=_branding(asked.branding),
    )


def changed_project(project: Project, asked: ProjectChange) -> Project:
    """Return a project with what was sent put in the place of what was."""
    changes: dict[str, object] = {
        name: getattr(asked, name)
        for name in ("name", "type", "default_tier", "alignment")
        if getattr(asked, name) is not UNSET
    }
    if asked.origins is not UNSET:
        changes["origins"] = origins(asked.origins)
    if asked.branding is not UNSET:
        changes["branding"] = _branding(asked.branding)
    return replace(project, **changes)  # type: ignore[arg-type] # each has its field's type, above


def project_view(project: Project, publishable_key: str | None) -> ProjectView:
    """Return a project as callers see it."""
    branding = project.branding
    return ProjectView(
        id=project.id,
        platform_id=project.platform_id,
        name=project.name,
        type=project.type,
        mode=project.mode,
        default_tier=project.default_tier,
        alignment=project.alignment,
        publishable_key=publishable_key,
        origins=list(project.origins),
        branding=BrandingShape(
            display_name=branding.display_name,
            colours=branding.colours,
            logo_url=branding.logo_url,
        ),
        promoted_from=project.promoted_from,
        suspended=project.suspended,
        created_at=instant(project.created_at),
        deleted_at=optional_instant(project.deleted_at),
    )


def origins(texts: list[str]) -> tuple[str, ...]:
    """Return web origins as browsers send them (RFC 6454 6.2), sorted, each once.

    Raises `InvalidRequestError` for what is none: `*` and `null` are not, as they stand for anybody.
    """
    found: list[Fault] = []
    result: set[str] = set()
    for at, text in enumerate(texts):
        origin = origin_of(text)
        if origin is None or not is_bare(text):
            detail = "Expected a web origin such as https://example.com, without a path."
            found.append(Fault(f"/origins/{at}", detail))
        else:
            result.add(origin)
    if found:
        raise invalid(found)
    return tuple(sorted(result))


def _branding(asked: BrandingShape) -> Branding:
    return Branding(asked.display_name, dict(asked.colours), asked.logo_url)
