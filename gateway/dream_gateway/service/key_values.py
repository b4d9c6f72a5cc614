"""Keys between JSON and the records: what shapes cannot check, and both directions of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import UNSET

from dream_gateway.model import Allowance, AllowanceKind, Interval, KeyStatus
from dream_gateway.service.directory import KeyDraft
from dream_gateway.service.key_shapes import KeyView, RateView
from dream_gateway.service.validation import Fault, invalid
from dream_gateway.service.values import instant, optional_instant

if TYPE_CHECKING:
    from datetime import datetime

    from dream_gateway.model import Credential
    from dream_gateway.service.key_shapes import KeyChange, NewKey, RateShape


def draft(asked: NewKey, now: float) -> KeyDraft:
    """Return the key to create. Raises `InvalidRequestError` for one that could never be used."""
    return KeyDraft(
        name=asked.name,
        scopes=_once_each(asked.scopes),
        expires_at=expiry(asked.expires_at, now),
        allowed_ips=networks(asked.allowed_ips),
        rate=allowance(asked.rate),
        metadata=asked.metadata,
    )


def expiry(at: datetime | None, now: float) -> float | None:
    """Return when a new key ends. Raises `InvalidRequestError` for a time that is past."""
    expires_at = _seconds(at)
    if expires_at is not None and expires_at <= now:
        raise invalid([Fault("/expiresAt", "Expected a time to come.")])
    return expires_at


def changed_key(key: Credential, asked: KeyChange) -> Credential:
    """Return a key with what was sent put in the place of what was."""
    changes: dict[str, object] = {}
    if asked.name is not UNSET:
        changes["name"] = asked.name
    if asked.scopes is not UNSET:
        changes["scopes"] = _once_each(asked.scopes)
    if asked.status is not UNSET:
        changes["status"] = KeyStatus(asked.status)
    if asked.expires_at is not UNSET:
        changes["expires_at"] = _seconds(asked.expires_at)
    if asked.allowed_ips is not UNSET:
        changes["allowed_ips"] = networks(asked.allowed_ips)
    if asked.rate is not UNSET:
        changes["rate"] = allowance(asked.rate)
    if asked.metadata is not UNSET:
        changes["metadata"] = asked.metadata
    return replace(key, **changes)  # type: ignore[arg-type] # each has its field's type, above


def key_view(key: Credential) -> KeyView:
    """Return a key as callers see it."""
    return KeyView(
        key_id=key.id,
        customer_id=key.customer_id,
        name=key.name,
        prefix=key.prefix,
        last4=key.last4,
        scopes=list(key.scopes),
        status=key.status,
        expires_at=optional_instant(key.expires_at),
        allowed_ips=list(key.allowed_ips),
        rate=rate_view(key.rate),
        metadata=key.metadata,
        created_at=instant(key.created_at),
        last_used_at=optional_instant(key.last_used_at),
    )


def unused(key: Credential) -> Credential:
    """Return a key without when it was used, which makes no other version of it."""
    return replace(key, last_used_at=None)


def rate_view(rate: Allowance | None) -> RateView | None:
    """Return a rate as callers see it."""
    if rate is None or rate.limit is None:
        return None
    return RateView(limit=rate.limit, interval=rate.interval, burst=rate.burst)


def allowance(rate: RateShape | None) -> Allowance | None:
    """Return a rate as the meter knows it; the burst is the whole limit unless it is given."""
    if rate is None:
        return None
    interval = Interval(rate.interval)
    return Allowance(AllowanceKind.RATE, rate.limit, interval, rate.burst or rate.limit)


def networks(blocks: list[str]) -> tuple[str, ...]:
    """Return CIDR blocks in their usual spelling. Raises `InvalidRequestError` for what is none."""
    found: list[Fault] = []
    result: list[str] = []
    for at, block in enumerate(blocks):
        try:
            result.append(str(ip_network(block, strict=False)))
        except ValueError:
            found.append(Fault(f"/allowedIps/{at}", "Expected an IP address or a CIDR block."))
    if found:
        raise invalid(found)
    return tuple(dict.fromkeys(result))


def _once_each(scopes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scopes))


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
