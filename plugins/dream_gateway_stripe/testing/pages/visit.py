"""One request for a page: what every page is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.world import PLATFORM

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import Books
    from dream_gateway_stripe.testing.pages.rendering import Renderer
    from dream_gateway_stripe.testing.people import People
    from dream_gateway_stripe.testing.world import World


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of somebody's. `form` is what was sent, `None` if they only look."""

    world: World
    people: People
    renderer: Renderer
    path: dict[str, str]
    query: dict[str, str]
    form: dict[str, Any] | None

    def seller(self, books: Books) -> str:
        """Return what an account is called."""
        if books.account == PLATFORM:
            return "the platform"
        account = self.world.accounts.get(books.account, {})
        name = (account.get("business_profile") or {}).get("name")
        return str(name or account.get("email") or books.account)
