"""One request to a page: what it brought, who brought it, and where they are."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from dream_gateway.errors import ForbiddenError
from dream_gateway.model import Role
from dream_gateway.origins import is_own

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

    from dream_gateway.model import Developer
    from dream_gateway.records.dashboard_sessions import Session
    from dream_gateway.records.places import Membership, Place

_RANKS = {role: rank for rank, role in enumerate(Role)}
TOKEN = "token"  # noqa: S105 - a field's name


@dataclass(slots=True)
class Visit:
    """A request as its page sees it.

    `form` holds the pairs of a POST's form, `query` those of the address. `secret` is what the forms on
    the page are bound to: the session's, or that of a browser that has none. `place` is the project of
    the path, `places` are all that the developer has, `memberships` their platforms. `errors` are what
    is wrong with what was entered, by the field's name; empty is the name of the whole.
    """

    request: Request
    request_id: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    form: list[tuple[str, str]] = field(default_factory=list)
    query: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""
    is_new_browser: bool = False
    session: Session | None = None
    memberships: list[Membership] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    found: Place | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def developer(self) -> Developer:
        """The developer, on a page that is for developers."""
        if self.session is None or self.session.developer is None:
            raise RuntimeError("this page is not for developers")
        return self.session.developer

    @property
    def place(self) -> Place:
        """The project and its platform, on a page that is about one."""
        if self.found is None:
            raise RuntimeError("this page is about no project")
        return self.found

    @property
    def path(self) -> str:
        """The path of this page, decoded."""
        path: str = self.request.scope["path"]
        return path

    @property
    def home(self) -> str:
        """What the paths of the project's pages begin with."""
        return f"/dashboard/{self.place.project.id}"

    @property
    def part(self) -> str:
        """The part of the page that is asked for by a script; empty: all of it."""
        return self.request.headers.get("x-part", "")

    @property
    def by_itself(self) -> bool:
        """Whether a script asks without anybody having done something: no use of the session."""
        return "x-by-itself" in self.request.headers

    def may(self, role: Role) -> bool:
        """Return whether the developer has a role here, or one above it."""
        return self.found is not None and _RANKS[self.found.role] >= _RANKS[role]

    def value(self, name: str, default: str = "") -> str:
        """Return what was entered, the last of several; what the address says is not."""
        entered = [text for key, text in self.form if key == name]
        return entered[-1] if entered else default

    def values(self, name: str) -> list[str]:
        """Return everything that was entered under a name: the boxes that were ticked."""
        return [text for key, text in self.form if key == name]

    @property
    def token(self) -> str:
        """The token of the forms on the page: of no use without the cookie it is made from."""
        return hmac.new(self.secret.encode(), b"form", sha256).hexdigest()

    def check_forgery(self, own: Collection[str]) -> None:
        """Raise `ForbiddenError` if a form was not sent from a page of ours, to this browser."""
        fields = self.request.headers
        is_ours = is_own(
            fields.get("origin"), fields.get("sec-fetch-site"), fields.get("host"), own
        )
        given = self.value(TOKEN).encode("utf-8", "surrogateescape")
        if not (is_ours and self.secret and hmac.compare_digest(given, self.token.encode())):
            raise ForbiddenError(
                "This form is too old, or this browser keeps no cookies. Go back, load the page "
                "again, and send it once more."
            )
