"""What a row of an import must be, beyond the types of its columns. Each raises `ValueError`."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.model import (
    BILLING_INTERVALS,
    Alignment,
    Allowance,
    AllowanceKind,
    Branding,
    Interval,
    KeyKind,
    KeyStatus,
    Mode,
    ProjectType,
    Role,
    Tier,
)
from dream_gateway.tierspec import MOST, overage_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIGEST_BYTES = 32
"""SHA-256."""


def check_project(row: Mapping[str, Any]) -> None:
    """Check a project."""
    Mode(row["mode"])
    Alignment(row["alignment"])
    ProjectType(row["type"])
    msgspec.convert(row["branding"], Branding)
    _check_allowances(msgspec.convert(row["allowances"], tuple[Allowance, ...]))


def check_tier(row: Mapping[str, Any]) -> None:
    """Check a tier: its name is that of its row."""
    tier = msgspec.convert(row["definition"], Tier)
    if tier.name != row["name"] or not tier.name:
        raise ValueError("has a definition of another name")
    if tier.price < 0 or tier.price > MOST or tier.trial_days < 0:
        raise ValueError("has a price or trial below zero, or too large")
    if tier.billing_interval not in BILLING_INTERVALS:
        raise ValueError("has a billing interval that is neither a month nor a year")
    _check_allowances(tier.allowances)
    if tier.overage is not None and not (1 <= tier.overage.price <= MOST >= tier.overage.per >= 1):
        raise ValueError("has a price of overage that cannot be")
    fault = overage_fault(tier)
    if fault is not None:
        raise ValueError(f"cannot be: {fault}")


def check_customer(row: Mapping[str, Any]) -> None:
    """Check a customer."""
    if not row["external_id"]:
        raise ValueError("has no externalId")
    _check_metadata(row)


def check_identity(row: Mapping[str, Any]) -> None:
    """Check the link of a provider's user to a customer, who has to be named."""
    if not (row["issuer"] and row["subject"]):
        raise ValueError("has no issuer or no subject")


def check_key(row: Mapping[str, Any]) -> None:
    """Check a key: only a customer's key has a customer."""
    kind = KeyKind(row["kind"])
    KeyStatus(row["status"])
    if (kind is KeyKind.CUSTOMER) != (row["customer_id"] is not None):
        raise ValueError("has a customer where it must have none, or none where it must have one")
    if len(row["digest"]) != DIGEST_BYTES:
        raise ValueError("has a digest that is not one of SHA-256")
    msgspec.convert(row["scopes"], tuple[str, ...])
    for block in msgspec.convert(row["allowed_ips"], tuple[str, ...]):
        ip_network(block, strict=False)
    if row["rate"] is not None:
        rate = msgspec.convert(row["rate"], Allowance)
        if rate.kind is not AllowanceKind.RATE:
            raise ValueError("has a rate that is none")
        _check_allowances([rate])
    _check_metadata(row)


def check_product(row: Mapping[str, Any]) -> None:
    """Check a product."""
    if row["price"] < 0 or (row["inventory"] or 0) < 0:
        raise ValueError("has a price or inventory below zero")
    msgspec.convert(row["features"], tuple[str, ...])


def check_member(row: Mapping[str, Any]) -> None:
    """Check a developer's part in a platform: it is an invitation, so it needs an address."""
    Role(row["role"])
    if not row["email"]:
        raise ValueError("has no email")


def check_token(row: Mapping[str, Any]) -> None:
    """Check a Stripe account."""
    Mode(row["mode"])


def _check_metadata(row: Mapping[str, Any]) -> None:
    if not isinstance(row["metadata"], dict):
        raise ValueError("has metadata that is no object")  # noqa: TRY004 - told as all the others


def _check_allowances(allowances: Iterable[Allowance]) -> None:
    for allowance in allowances:
        is_rate = allowance.kind is AllowanceKind.RATE
        least = 1 if is_rate else 0
        limit = least if allowance.limit is None else allowance.limit
        if not least <= limit <= MOST or not 1 <= (allowance.burst or 1) <= MOST:
            raise ValueError("has a limit that cannot be")
        if is_rate and (allowance.limit is None or allowance.interval is Interval.LIFETIME):
            raise ValueError("has a rate without a limit or an end")
