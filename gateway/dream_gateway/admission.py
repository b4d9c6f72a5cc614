"""STUB of the interface; the body is being written. Credential -> project -> tier -> verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.model import Credential, KeyKind, Project, Tier, Verdict
    from dream_gateway.storage import Recorded


class Admission:
    """Decides who may pass, and charges for it."""

    def try_key(
        self, secret: str, cost: int, scopes: tuple[str, ...] = (), ip: str | None = None
    ) -> Verdict | None:
        """Admit by a customer key from memory alone; `None` when that takes a store. Never blocks."""
        raise NotImplementedError

    async def key(
        self, secret: str, cost: int, scopes: tuple[str, ...] = (), ip: str | None = None
    ) -> Verdict:
        """Admit by a customer key (`ak_`). A bad key is a verdict (`invalid_credential`), too."""
        raise NotImplementedError

    async def project_of(self, secret: str, kinds: frozenset[KeyKind]) -> tuple[Credential, Project]:
        """Resolve a secret or publishable key; raises `InvalidCredentialError`, 403s, 503."""
        raise NotImplementedError

    async def tier(self, project: Project, name: str) -> Tier | None:
        """Return one tier of a project, from the cache."""
        raise NotImplementedError

    async def track(self, project: Project, user: str, cost: int, plan: str | None) -> Verdict:
        """Charge a named user, who is registered on first use; cost 0 peeks."""
        raise NotImplementedError

    async def usage(self, project: Project, user: str) -> Verdict:
        """Tell a user's usage from the ledger, charging nothing and registering nobody."""
        raise NotImplementedError

    async def record(
        self, project: Project, events: Sequence[TrackedEvent]
    ) -> list[tuple[Verdict, Recorded]]:
        """Charge events that carry an idempotency key, each on its own."""
        raise NotImplementedError

    async def void(
        self, project: Project, event: str, amount: int | None, key: str | None
    ) -> Recorded:
        """Take back a recorded event, or a part of it. Raises 404/409 of the error tree."""
        raise NotImplementedError

    def refund(self, verdict: Verdict) -> None:
        """Give an admitted request's quota units back (its rate units stay spent); once at most."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TrackedEvent:
    """One event to record: `key` is its idempotency key, `fingerprint` a digest of what was asked.

    `plan` is the tier a secret key names for the user.
    """

    user: str
    cost: int
    key: str
    fingerprint: str
    plan: str | None = None
