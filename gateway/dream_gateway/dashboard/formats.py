"""Values as people read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))

WITHOUT_DECIMALS = frozenset(
    {
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
    }
)
"""Currencies whose minor unit is the unit itself, as Stripe counts them."""

THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])

SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def number(value: float | None) -> str:
    """Return a number in full, its thousands apart: `12,345`; no number is unlimited."""
    if value is None:
        return "Unlimited"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def short(value: float | None) -> str:
    """Return a number in at most five characters or so: `12.3k`."""
    if value is None:
        return "∞"
    for step, suffix in _STEPS:
        if abs(value) >= step:
            scaled = value / step
            return f"{scaled:.0f}{suffix}" if scaled >= 100 else f"{scaled:.3g}{suffix}"
    return f"{value:.3g}" if not float(value).is_integer() else f"{value:.0f}"


def money(amount: int | None, currency: str) -> str:
    """Return an amount of the currency's minor unit: `$19.99`, `19.99 CHF`."""
    if amount is None:
        return "-"
    digits = decimals(currency)
    text = f"{abs(amount) / 10**digits:,.{digits}f}"
    sign = SIGNS.get(currency.lower())
    minus = "-" if amount < 0 else ""
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency.upper()}"


def decimals(currency: str) -> int:
    """Return how many digits of an amount are behind the point."""
    if currency.lower() in WITHOUT_DECIMALS:
        return 0
    return 3 if currency.lower() in THREE_DECIMALS else 2


def percent(part: float, whole: float | None) -> str:
    """Return a share: `12%`; of nothing it is 0%."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f}%" if 0 < share < 10 else f"{share:.0f}%"


def iso(at: float) -> str:
    """Return an instant for programs (RFC 3339, UTC)."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date(at: float) -> str:
    """Return an instant's day, UTC: `26 Nov 2026`."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y")


def moment(at: float) -> str:
    """Return an instant to the minute, UTC: `26 Nov 2026, 12:08 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y, %H:%M UTC")


def ago(at: float, now: float) -> str:
    """Return how long ago something was: `3 minutes ago`."""
    gone = max(0.0, now - at)
    for seconds, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if gone >= seconds:
            count = int(gone // seconds)
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "just now"
