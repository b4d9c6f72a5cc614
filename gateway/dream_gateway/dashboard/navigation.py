"""What the side of every page of a project leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.dashboard.page import PageTable
    from dream_gateway.dashboard.visit import Visit

HOME = "/dashboard/{project}"


class Entry(NamedTuple):
    """A page in the navigation; `below` is its path below the project's, `least` who sees it."""

    title: str
    below: str
    icon: str
    group: str
    least: Role = Role.MEMBER


ENTRIES = (
    Entry("Getting started", "/start", "flag", "Project"),
    Entry("Overview", "", "chart", "Project"),
    Entry("Customers", "/customers", "people", "Project"),
    Entry("API keys", "/keys", "key", "Project"),
    Entry("Tiers", "/tiers", "layers", "Catalogue"),
    Entry("Products", "/products", "box", "Catalogue"),
    Entry("Orders", "/orders", "cart", "Catalogue"),
    Entry("Webhooks", "/webhooks", "hook", "Connections"),
    Entry("Payments", "/payments", "card", "Connections"),
    Entry("Appearance", "/appearance", "brush", "Connections"),
    Entry("Team", "/team", "team", "Platform"),
    Entry("Audit log", "/audit", "list", "Platform", Role.ADMIN),
    Entry("Plan", "/plan", "plan", "Platform"),
)


class Link(NamedTuple):
    """An entry as a page shows it."""

    title: str
    url: str
    icon: str
    current: bool


def groups(visit: Visit, table: PageTable) -> Iterator[tuple[str, list[Link]]]:
    """Yield the groups of what the visitor may see, each with its links."""
    found: dict[str, list[Link]] = {}
    for entry in ENTRIES:
        if table.has(HOME + entry.below) and visit.may(entry.least):
            link = Link(entry.title, visit.home + entry.below, entry.icon, _is_here(visit, entry))
            found.setdefault(entry.group, []).append(link)
    yield from found.items()


def _is_here(visit: Visit, entry: Entry) -> bool:
    below = visit.path.removeprefix(visit.home)
    return below == entry.below or (bool(entry.below) and below.startswith(entry.below + "/"))
