"""What was entered in forms, as the API takes it. What cannot be read is noted beside its field."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dream_gateway.dashboard.formats import decimals

if TYPE_CHECKING:
    from dream_gateway.dashboard.visit import Visit


def text(visit: Visit, name: str) -> str:
    """Return a text without the white around it."""
    return visit.value(name).strip()


def optional(visit: Visit, name: str) -> str | None:
    """Return a text, `None` where nothing was entered."""
    return text(visit, name) or None


def lines(visit: Visit, name: str) -> list[str]:
    """Return the lines that have something in them."""
    return [line.strip() for line in visit.value(name).splitlines() if line.strip()]


def words(visit: Visit, name: str) -> list[str]:
    """Return what is apart by white or commas."""
    return visit.value(name).replace(",", " ").split()


def whole(visit: Visit, name: str) -> int | None:
    """Return a whole number, `None` where nothing was entered; thousands may be apart."""
    entered = text(visit, name).replace(",", "").replace(" ", "")
    if not entered:
        return None
    if entered.isascii() and entered.removeprefix("-").isdigit() and len(entered) <= 18:
        return int(entered)
    visit.errors.setdefault(name, "This has to be a whole number.")
    return None


def amount(visit: Visit, name: str, currency: str) -> int | None:
    """Return an amount, such as 19.99, in the currency's minor unit."""
    entered, digits = text(visit, name), decimals(currency)
    if not entered:
        return None
    try:
        minor = Decimal(entered).scaleb(digits)
    except InvalidOperation:
        minor = Decimal("NaN")
    if minor.is_finite() and abs(minor) < 10**15 and minor == minor.to_integral_value():
        return int(minor)
    visit.errors.setdefault(
        name, f"This has to be an amount, with at most {digits} digits behind the point."
    )
    return None


def instant(visit: Visit, name: str) -> str | None:
    """Return a date and time that was entered as UTC (RFC 3339), `None` where nothing was."""
    entered = text(visit, name)
    if not entered:
        return None
    try:
        at = datetime.fromisoformat(entered)
    except ValueError:
        visit.errors.setdefault(name, "This has to be a date and a time.")
        return None
    return at.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def decimal(value: int | None, currency: str) -> str:
    """Return an amount as it is entered."""
    if value is None:
        return ""
    digits = decimals(currency)
    return f"{Decimal(value).scaleb(-digits):.{digits}f}"
