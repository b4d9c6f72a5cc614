"""Whose accounts: a project's end users, or the developers of all platforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dream_gateway.model import Branding

if TYPE_CHECKING:
    from dream_gateway.model import Project

PLATFORM = "platform"
"""The realm of developers, in its id and in its pages' path."""

USERS, DEVELOPERS = "users", "developers"
"""The two apps: each signs with keys of its own, and issues under a name of its own."""


@dataclass(frozen=True, slots=True)
class Realm:
    """Accounts that are apart from all others.

    `segment` is its part of a page's path: the publishable key, or `platform`. `sends_codes` is
    whether a sign-in for an allowed origin ends with a code.
    """

    id: str
    segment: str
    app: str
    name: str
    origins: tuple[str, ...]
    sign_up: bool
    sends_codes: bool
    branding: Branding = field(default_factory=Branding)

    @property
    def path(self) -> str:
        """Return what the paths of its pages begin with."""
        return f"/auth/{self.segment}"


def of_project(project: Project, publishable_key: str, *, sign_up: bool) -> Realm:
    """Return the realm of a project's end users."""
    return Realm(
        id=project.id,
        segment=publishable_key,
        app=USERS,
        name=project.branding.display_name or project.name,
        origins=project.origins,
        sign_up=sign_up,
        sends_codes=True,
        branding=project.branding,
    )


def of_developers(origins: tuple[str, ...], *, sign_up: bool) -> Realm:
    """Return the realm of developers."""
    return Realm(
        id=PLATFORM,
        segment=PLATFORM,
        app=DEVELOPERS,
        name="dream-gateway",
        origins=origins,
        sign_up=sign_up,
        sends_codes=False,
    )
