"""The templates of this package, filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from dream_gateway.integrate.naming import Naming


class Templates:
    """Fills templates in for one project. They are code and configuration: nothing is escaped."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self._environment = Environment(
            loader=PackageLoader("dream_gateway.integrate"),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - nothing of it is HTML, and names are reduced to words
        )

    def render(self, name: str, **more: object) -> str:
        """Return a template with the project's names in it."""
        return self._environment.get_template(f"{name}.j2").render(names=self.naming, **more)
