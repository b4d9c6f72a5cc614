"""One request, after its parameters were read: what every handler is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.books import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """A request: whose books it is about, its parameters, and what differs in its path."""

    world: World
    books: Books
    params: JSON
    parts: tuple[str, ...] = ()

    @property
    def now(self) -> int:
        """Seconds since the epoch, UTC."""
        return self.world.now

    def wanted(self, *names: str) -> JSON:
        """Return what a list is to be filtered by: `None` for what is not asked."""
        return {name: copied(self.params.get(name)) for name in names}

    def object(self, prefix: str, kind: str, **fields: Any) -> JSON:
        """Return the beginning of a new object."""
        return {
            "id": self.world.id(prefix),
            "object": kind,
            "created": self.now,
            "livemode": self.books.live,
            **fields,
        }


if TYPE_CHECKING:
    Handler = Callable[[Call], JSON]
    Routes = Mapping[tuple[str, str], Handler]
