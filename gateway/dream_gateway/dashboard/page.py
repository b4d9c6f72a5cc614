"""One definition per page: it routes, lets in, and is in the table of access."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from dream_gateway.model import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.responses import Response

    from dream_gateway.dashboard.visit import Visit

    Handler = Callable[["Visit"], Awaitable["Response"]]

_PARAMETER = re.compile(r"\{(\w+)\}")
PROJECT = "project"
"""The parameter of a path that names a project: whoever comes has a part in its platform."""


class Who(Enum):
    """Who may see a page."""

    ANYBODY = "anybody"
    DEVELOPER = "developer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Page:
    """A method on a path of the dashboard. `{name}` in the path is a parameter of one segment.

    Where `{project}` is one, the visit has a place, and `least` is the role the developer needs on its
    platform. What a POST changes, it changes by operations, which check it again. `by_itself`: scripts
    ask for it again and again, which is no use of the session.
    """

    method: str
    path: str
    handler: Handler
    who: Who = Who.DEVELOPER
    least: Role = Role.MEMBER
    by_itself: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        parts = _PARAMETER.split(self.path)
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
        )
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def of_project(self) -> bool:
        """Whether the page is about a project."""
        return f"{{{PROJECT}}}" in self.path


class PageTable:
    """Finds pages by path and method. Of two that fit, the one with fewer parameters is meant."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = sorted(pages, key=lambda page: page.path.count("{"))
        self._paths = frozenset(page.path for page in self.pages)

    def find(self, path: str) -> tuple[dict[str, Page], Mapping[str, str]]:
        """Return the pages of a path by method, and its parameters; no pages for no such path."""
        for page in self.pages:
            found = page.pattern.fullmatch(path)
            if found:
                methods = {each.method: each for each in self.pages if each.path == page.path}
                return methods, found.groupdict()
        return {}, {}

    def has(self, path: str) -> bool:
        """Return whether there is a page with this path, as it is declared."""
        return path in self._paths
