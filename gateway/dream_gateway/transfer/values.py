"""Reads the values of the system before this one, which had one form for nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from dream_gateway.transfer.parts import LATEST, Unfit

MILLISECONDS_FROM = 100_000_000_000
"""A number of seconds or milliseconds since the epoch that is larger is one of milliseconds."""

LARGEST = 2**63
"""More than this is stored nowhere."""

UNLIMITED = ("unlimited", "infinity", "-1")
YES = ("1", "true", "yes", "t")
NO = ("0", "false", "no", "f", "")


def text(value: object) -> str | None:
    """Return a text, `None` for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def instant(value: object) -> float | None:
    """Return a time as seconds since the epoch; it is that, milliseconds, or ISO 8601 (else UTC)."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        seconds = _parsed(str(value))
    if seconds >= MILLISECONDS_FROM:
        seconds /= 1000
    if not 0 <= seconds < LATEST:
        raise Unfit(f"has a time that cannot be: {str(value)[:40]!r}")
    return seconds


def whole(value: object) -> int:
    """Return a whole number."""
    try:
        number = Decimal(str(value))
        if abs(number) < LARGEST and number == number.to_integral_value():
            return int(number)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise Unfit(f"has {str(value)[:40]!r} where a whole number must be")


def limit(value: object) -> int | None:
    """Return a limit, `None` for an unlimited one."""
    if value is None or str(value).strip().lower() in UNLIMITED:
        return None
    return whole(value)


def minor_units(value: object) -> int:
    """Return money given in the currency's major unit in its minor unit, exactly: 19.99 is 1999."""
    if value is None or value == "":
        return 0
    try:
        return whole(Decimal(str(value)) * 100)
    except InvalidOperation as exc:
        raise Unfit(f"has a price that is none: {str(value)[:40]!r}") from exc


def flag(value: object) -> bool:
    """Return whether something holds; nothing at all does not."""
    word = "" if value is None else str(value).strip().lower()
    if word not in YES + NO:
        raise Unfit(f"has {str(value)[:40]!r} where true or false must be")
    return word in YES


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts: JSON, or one to a line."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value.encode("utf-8", "surrogateescape"))
        except msgspec.DecodeError:
            value = str(value).splitlines()
    found: list[Any] = value if isinstance(value, list) else [value]
    return tuple(str(each) for each in found)


def mapping(value: object) -> dict[str, object]:
    """Return a JSON object."""
    if value is None or value == "":
        return {}
    try:
        found = msgspec.json.decode(value) if isinstance(value, str | bytes) else value
    except msgspec.DecodeError as exc:
        raise Unfit("has metadata that is not JSON") from exc
    if not isinstance(found, dict):
        raise Unfit("has metadata that is no object")
    return found


def _parsed(written: str) -> float:
    try:
        number = float(written)
    except ValueError:
        pass
    else:
        return number
    try:
        at = datetime.fromisoformat(written.strip())
    except ValueError as exc:
        raise Unfit(f"has a time that cannot be read: {written[:40]!r}") from exc
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
