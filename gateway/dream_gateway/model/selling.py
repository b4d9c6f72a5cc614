"""What a project sells: tiers to subscribe to, and products."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dream_gateway.model.allowances import UNLIMITED, Allowance, AllowanceKind, Interval

BILLING_INTERVALS = (Interval.MONTH, Interval.YEAR)
"""How often a subscription is paid."""


@dataclass(frozen=True, slots=True)
class Overage:
    """What use beyond a quota costs: `price` minor units for each `per` units."""

    price: int
    per: int = 1


@dataclass(frozen=True, slots=True)
class Tier:
    """A plan customers are on: the allowances each of them has, each with counters of its own.

    With `overage` the first quota tells what the price includes: it is counted, and never refused.
    `price` is for each `billing_interval`: a month or a year.
    """

    name: str
    allowances: tuple[Allowance, ...]
    display_name: str = ""
    price: int = 0
    currency: str = "usd"
    features: tuple[str, ...] = ()
    popular: bool = False
    trial_days: int = 0
    price_id: str | None = None
    product_id: str | None = None
    overage: Overage | None = None
    billing_interval: Interval = Interval.MONTH

    @property
    def quota(self) -> Allowance | None:
        """The first quota, which usage answers are about; `None` if there is none."""
        return next((a for a in self.allowances if a.kind is AllowanceKind.QUOTA), None)

    @property
    def rate(self) -> Allowance | None:
        """The first rate; `None` if there is none."""
        return next((a for a in self.allowances if a.kind is AllowanceKind.RATE), None)

    @property
    def refusing(self) -> tuple[Allowance, ...]:
        """The allowances by what they refuse: the quota that overage is paid beyond has no limit."""
        if self.overage is None or self.quota is None:
            return self.allowances
        at = self.allowances.index(self.quota)
        paid = replace(self.quota, limit=UNLIMITED)
        return (*self.allowances[:at], paid, *self.allowances[at + 1 :])


@dataclass(frozen=True, slots=True)
class Product:
    """Something a store sells. `price` is in the currency's minor unit.

    `inventory` is the units in stock, `None` if they are not counted. `sold_out` is the developer's
    own word, whatever is in stock.
    """

    id: str
    project_id: str
    name: str
    price: int
    currency: str
    created_at: float
    display_name: str = ""
    description: str = ""
    image_url: str | None = None
    inventory: int | None = None
    sold_out: bool = False
    features: tuple[str, ...] = ()
    price_id: str | None = None
    product_id: str | None = None
