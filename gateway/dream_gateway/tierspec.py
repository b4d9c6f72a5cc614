"""Tiers in one line: `name=LIMIT[/interval][+PRICE/UNITS][@RATE/interval[:burst]]`.

Such as `free=100/month@10/s`. What use beyond the limit costs (`+50/1000`) is in minor units.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dream_gateway.errors import ConfigurationError
from dream_gateway.model import Allowance, AllowanceKind, Interval, Overage, Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNLIMITED = "unlimited"
MOST = 10**15
SHORT = {
    "s": Interval.SECOND,
    "sec": Interval.SECOND,
    "m": Interval.MINUTE,
    "min": Interval.MINUTE,
    "h": Interval.HOUR,
    "d": Interval.DAY,
    "w": Interval.WEEK,
    "mo": Interval.MONTH,
    "y": Interval.YEAR,
}
TOO_SHORT_TO_BILL = frozenset({Interval.SECOND, Interval.MINUTE, Interval.HOUR})
INTERVALS = SHORT | {i.value: i for i in Interval} | {f"{i.value}s": i for i in Interval}


def parse_tier(spec: str) -> Tier:
    """Return the tier a line describes. Raises `ConfigurationError` naming the part that is wrong."""
    name, equals, limits = spec.partition("=")
    name = name.strip()
    if not equals or not name or not limits.strip():
        raise _fault(spec, "write NAME=LIMIT, for example free=100/month@10/s")
    quota, at, rate = limits.partition("@")
    quota, plus, price = quota.partition("+")
    allowances = [parse_allowance(quota)]
    if at:
        allowances.append(parse_rate(rate))
    overage = parse_overage(price) if plus else None
    tier = Tier(name=name, allowances=tuple(allowances), display_name=name, overage=overage)
    fault = overage_fault(tier)
    if fault is not None:
        raise _fault(spec, fault)
    return tier


def parse_tiers(specs: Sequence[str]) -> list[Tier]:
    """Return the tiers of some lines. Raises `ConfigurationError`, too, if two have one name."""
    tiers = [parse_tier(spec) for spec in specs]
    counts = Counter(tier.name for tier in tiers)
    for spec, tier in zip(specs, tiers, strict=True):
        if counts[tier.name] > 1:
            raise _fault(spec, f"the name {tier.name} is there twice")
    return tiers


def overage_fault(tier: Tier) -> str | None:
    """Return why a tier cannot have its overage, `None` if it can, or has none."""
    quota = tier.quota
    if tier.overage is None:
        return None
    if quota is None or quota.limit is None:
        return "overage needs a limit to be beyond"
    if quota.interval in TOO_SHORT_TO_BILL:
        return f"overage cannot be paid by the {quota.interval}, only by a day or longer"
    return None


def parse_allowance(text: str) -> Allowance:
    """Return the quota that `LIMIT[/interval]` describes; a month is the default."""
    number, slash, unit = text.strip().partition("/")
    interval = _interval(text, unit) if slash else Interval.MONTH
    if number.strip().lower() == UNLIMITED:
        return Allowance(AllowanceKind.QUOTA, None, interval)
    return Allowance(AllowanceKind.QUOTA, _number(text, number, 0), interval)


def parse_rate(text: str) -> Allowance:
    """Return the rate that `LIMIT/interval[:burst]` describes; the burst is the limit by default."""
    sustained, colon, burst = text.strip().partition(":")
    number, slash, unit = sustained.partition("/")
    if not slash:
        raise _fault(text, "a rate needs an interval, for example 10/s")
    interval = _interval(text, unit)
    if interval is Interval.LIFETIME:
        raise _fault(text, "a rate cannot be for a lifetime")
    limit = _number(text, number, 1)
    return Allowance(
        AllowanceKind.RATE, limit, interval, _number(text, burst, 1) if colon else limit
    )


def parse_overage(text: str) -> Overage:
    """Return the overage that `PRICE[/UNITS]` describes; the price is for each unit by default."""
    price, slash, units = text.strip().partition("/")
    return Overage(_number(text, price, 1), _number(text, units, 1) if slash else 1)


def format_tier(tier: Tier) -> str:
    """Return the line that describes the tier's first quota, its overage, and its first rate."""
    return "".join([f"{tier.name}=", *_parts(tier)])


def _parts(tier: Tier) -> Iterator[str]:
    quota, rate = tier.quota, tier.rate
    if quota is None or quota.limit is None:
        interval = Interval.MONTH if quota is None else quota.interval
        yield UNLIMITED if interval is Interval.MONTH else f"{UNLIMITED}/{interval}"
    else:
        yield f"{quota.limit}/{quota.interval}"
    if tier.overage is not None:
        yield f"+{tier.overage.price}/{tier.overage.per}"
    if rate is not None:
        burst = "" if rate.burst in (None, rate.limit) else f":{rate.burst}"
        yield f"@{rate.limit}/{rate.interval}{burst}"


def _number(text: str, number: str, least: int) -> int:
    digits = number.strip().replace("_", "")
    if not (digits.isascii() and digits.isdigit()):
        raise _fault(text, f"{number.strip()!r} is not a whole number")
    # Python refuses to read absurdly long numbers; so do we, before it.
    if len(digits) > len(str(MOST)) or not least <= int(digits) <= MOST:
        raise _fault(text, f"{number.strip()!r} is not between {least} and {MOST}")
    return int(digits)


def _interval(text: str, unit: str) -> Interval:
    interval = INTERVALS.get(unit.strip().lower())
    if interval is None:
        raise _fault(text, f"{unit.strip()!r} is none of {', '.join(Interval)}")
    return interval


def _fault(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"The limit {text.strip()!r} cannot be read: {why}.")
