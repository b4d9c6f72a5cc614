"""The tiers of the system before this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import ConfigurationError
from dream_gateway.model import BILLING_INTERVALS, Allowance, AllowanceKind, Interval, Tier
from dream_gateway.tierspec import INTERVALS, parse_rate
from dream_gateway.transfer import values
from dream_gateway.transfer.parts import Unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.transfer.columns import Entry

FREE = "free"


def tier_of(entry: Entry) -> Tier:
    """Return a row's tier. Raises `Unfit`."""
    name = values.text(entry.get("name"))
    if name is None:
        raise Unfit("has no name")
    quota = Allowance(AllowanceKind.QUOTA, values.limit(entry.get("limit")), _interval(entry))
    return Tier(
        name=name,
        allowances=(quota, *_rate(entry)),
        display_name=values.text(entry.get("displayName")) or name,
        price=_price(entry),
        currency=(values.text(entry.get("currency")) or "usd").lower(),
        features=values.texts(entry.get("features")),
        popular=values.flag(entry.get("popular")),
        trial_days=values.whole(entry.get("trialDays") or 0),
        price_id=values.text(entry.get("priceId")),
        product_id=values.text(entry.get("productId")),
        billing_interval=_billing_interval(entry),
    )


def default_of(tiers: Mapping[str, Tier]) -> str:
    """Return the tier that new customers are on: the one called free, or else the cheapest."""
    if not tiers:
        raise Unfit("has no tiers")
    return FREE if FREE in tiers else min(tiers.values(), key=lambda tier: tier.price).name


def _interval(entry: Entry) -> Interval:
    return _span(entry, "interval")


def _billing_interval(entry: Entry) -> Interval:
    interval = _span(entry, "billingInterval")
    if interval not in BILLING_INTERVALS:
        raise Unfit(f"has a billing interval that is neither a month nor a year: {interval}")
    return interval


def _span(entry: Entry, column: str) -> Interval:
    word = (values.text(entry.get(column)) or Interval.MONTH).lower()
    interval = INTERVALS.get(word)
    if interval is None:
        raise Unfit(f"has an interval that is none: {word[:40]!r}")
    return interval


def _rate(entry: Entry) -> tuple[Allowance, ...]:
    """Return the rate, which is as in a tier's spec, such as `10/s`."""
    text = values.text(entry.get("rate"))
    if text is None:
        return ()
    try:
        return (parse_rate(text),)
    except ConfigurationError as exc:
        raise Unfit(f"has a rate that cannot be read: {text[:40]!r}") from exc


def _price(entry: Entry) -> int:
    """Return the price in the minor unit: `priceCents` is in it, `price` in the major one."""
    cents = entry.get("priceCents")
    return values.minor_units(entry.get("price")) if cents is None else values.whole(cents)
