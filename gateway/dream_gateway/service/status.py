"""`/health`, `/ready` and `/openapi.json`: about the gateway itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.status_shapes import Alive, Document, Part, Readiness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dream_gateway.service.call import Call

    Health = Callable[[], Awaitable[Mapping[str, str | None]]]


class StatusRoutes:
    """Tells whether the process lives, whether it can serve, and what it serves.

    `health` tells of each part what is wrong with it, `None` if nothing is; `document` returns the
    OpenAPI document.
    """

    def __init__(self, health: Health, document: Callable[[], Document]) -> None:
        self._health = health
        self._document = document

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation("GET", "/health", "Tell that the process is alive", self.health, Alive),
            Operation(
                "GET",
                "/ready",
                "Tell whether this worker can serve",
                self.ready,
                Readiness,
                also=(503,),
            ),
            Operation("GET", "/openapi.json", "Describe every route", self.describe, Document),
        )

    async def health(self, _: Call) -> Answer:
        """Answer: that is all there is to tell."""
        return Answer(Alive(status="ok"))

    async def ready(self, _: Call) -> Answer:
        """Tell each part; 503 if one of them fails."""
        faults = await self._health()
        parts = {name: Part(ok=why is None, detail=why) for name, why in faults.items()}
        ready = all(part.ok for part in parts.values())
        return Answer(Readiness(ready=ready, parts=parts), status=200 if ready else 503)

    async def describe(self, _: Call) -> Answer:
        """Return the document."""
        return Answer(self._document())
