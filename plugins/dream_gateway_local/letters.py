"""The mails, from templates beside the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from dream_gateway.facilities import Mail

if TYPE_CHECKING:
    from dream_gateway_local.realm import Realm

SUBJECTS = {
    "verify": "Confirm your address for {name}",
    "known": "You already have an account at {name}",
    "reset": "Choose a new password for {name}",
    "invited": "Your account at {name}",
    "changed": "Your password for {name} was changed",
}
_LONGEST_NAME = 100


class Letters:
    """Writes mails. `base` is the URL of the pages' origin."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._texts = Environment(  # plain text, where there is nothing to escape
            loader=PackageLoader("dream_gateway_local"),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701
            keep_trailing_newline=True,
        )

    def write(self, kind: str, realm: Realm, to: str, path: str = "") -> Mail:
        """Return a mail of a kind; `path` is the link's, below the realm's."""
        name = " ".join(realm.name.split())[:_LONGEST_NAME]
        link = f"{self._base}{realm.path}{path}"
        text = self._texts.get_template(f"{kind}.txt").render(name=name, link=link)
        return Mail(to, name, SUBJECTS[kind].format(name=name), text)
