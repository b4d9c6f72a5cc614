"""What a subscription gives access to. Pure: the time is an argument.

| status | access |
|---|---|
| trialing, active | the tier |
| past_due | the tier until the grace is over |
| any other | the default tier |

One that is to end gives what its status gives, until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dream_gateway.payments import SubscriptionStatus

DAY_SECONDS = 86_400.0


class Access(StrEnum):
    """Whether a subscription gives its tier: yes, for as long as its grace lasts, or no."""

    TIER = "tier"
    GRACE = "grace"
    NONE = "none"


ACCESS = {
    SubscriptionStatus.TRIALING: Access.TIER,
    SubscriptionStatus.ACTIVE: Access.TIER,
    SubscriptionStatus.PAST_DUE: Access.GRACE,
    SubscriptionStatus.INCOMPLETE: Access.NONE,
    SubscriptionStatus.INCOMPLETE_EXPIRED: Access.NONE,
    SubscriptionStatus.UNPAID: Access.NONE,
    SubscriptionStatus.PAUSED: Access.NONE,
    SubscriptionStatus.CANCELED: Access.NONE,
}

BEGINNING = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})
"""Of these nothing was ever paid, and nothing was given."""

ENDED = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
"""From these no way leads back."""

UNPAID = frozenset(
    {SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED}
)
"""These go on once they are paid for, and stand in the way of another one until then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """As much of a subscription as access depends on. `past_due_since` is when its grace began."""

    status: SubscriptionStatus
    cancel_at: float | None = None
    past_due_since: float | None = None

    def gives_access(self, now: float, grace_days: float) -> bool:
        """Tell whether it gives its tier."""
        until = self.until(grace_days)
        return ACCESS[self.status] is not Access.NONE and (until is None or now < until)

    @property
    def was_given(self) -> bool:
        """Whether it ever gave its tier, as far as its status tells."""
        return self.status not in BEGINNING

    def until(self, grace_days: float) -> float | None:
        """Return when it stops giving its tier without any more news, `None` if it does not."""
        ends = [] if self.cancel_at is None else [self.cancel_at]
        if ACCESS[self.status] is Access.GRACE and self.past_due_since is not None:
            ends.append(self.past_due_since + grace_days * DAY_SECONDS)
        return min(ends, default=None)
