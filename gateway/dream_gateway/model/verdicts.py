"""Whether a request may pass, and what was used: what admission answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.model.allowances import Period
    from dream_gateway.model.customers import Credential, Customer
    from dream_gateway.model.projects import Project
    from dream_gateway.model.selling import Tier


@dataclass(frozen=True, slots=True)
class Usage:
    """What a customer has used of their quota in the current period.

    Units beyond the limit are refused, unless `is_paid_beyond` says that they are paid for. `used`
    counts admitted units, and units other workers hold on lease as if they were spent: an upper bound
    while traffic flows, exact once it has been idle for the lease's idle time.
    """

    used: int
    limit: int | None
    period: Period
    is_paid_beyond: bool = False

    @property
    def remaining(self) -> int | None:
        """Units left, never negative; `None` when unlimited."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def overage(self) -> int | None:
        """Units beyond the limit; `None` where there can be none."""
        if not self.is_paid_beyond or self.limit is None:
            return None
        return max(0, self.used - self.limit)


@dataclass(slots=True)
class PolicyState:
    """One limit as it stood right after a verdict, for headers and refusals.

    `window` is the length of the period in seconds (`None`: lifetime). `remaining` is a lower bound
    as of the worker's last exchange with the ledger. `reset` is the seconds until more is to be had:
    the rest of a quota's period, or the time until a rate's bucket is full again.
    """

    name: str
    limit: int
    window: int | None
    remaining: int
    reset: float


@dataclass(slots=True)
class Verdict:
    """The answer to "may this request pass?": a denial is a value, with the code of its error.

    `code` is `allowed`, or the code of the refusal in `dream_gateway.errors`. What could not be
    resolved (the customer of an unknown key) is `None`. `usage` is about the customer's quota.
    `violated` names the limit that refused; `retry_after` is seconds, when waiting helps.
    """

    allowed: bool
    code: str
    cost: int
    credential: Credential | None = None
    project: Project | None = None
    customer: Customer | None = None
    tier: Tier | None = None
    usage: Usage | None = None
    policies: tuple[PolicyState, ...] = ()
    violated: PolicyState | None = None
    retry_after: float | None = None
    receipt: object = None
    """What the meter needs to refund this admission; opaque."""
