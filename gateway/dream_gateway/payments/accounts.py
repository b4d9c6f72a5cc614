"""Whose money it is: accounts at the provider, as it has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money it is: a developer's account at the provider; no `id` is the operator's own.

    Test and live are apart: the same account has different objects in each.
    """

    id: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as the provider has it. Without `charges` it cannot take money yet."""

    id: str
    charges: bool
    details_submitted: bool
    email: str | None = None
    name: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Onboarding:
    """A page of the provider's where a developer completes an account; the link works once."""

    account_id: str
    url: str
    expires_at: float
