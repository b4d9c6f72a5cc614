"""Rows to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.model import (
    Alignment,
    Allowance,
    Credential,
    Customer,
    KeyKind,
    KeyStatus,
    Mode,
    Project,
    Tier,
)

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


def project_of(row: RowMapping) -> Project:
    """Return a project; the row has its platform's `suspended`."""
    return Project(
        id=row["id"],
        platform_id=row["platform_id"],
        name=row["name"],
        mode=Mode(row["mode"]),
        default_tier=row["default_tier"],
        alignment=Alignment(row["alignment"]),
        allowances=msgspec.convert(row["allowances"], tuple[Allowance, ...]),
        suspended=bool(row["suspended"]),
        created_at=row["created_at"],
    )


def tier_of(row: RowMapping) -> Tier:
    """Return a tier."""
    return msgspec.convert(row["definition"], Tier)


def customer_of(row: RowMapping) -> Customer:
    """Return a customer."""
    return Customer(
        id=row["id"],
        project_id=row["project_id"],
        external_id=row["external_id"],
        plan=row["plan"],
        anchor=row["anchor"],
        created_at=row["created_at"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        metadata=row["metadata"],
    )


def credential_of(row: RowMapping) -> Credential:
    """Return a key, without its digest."""
    return Credential(
        id=row["id"],
        kind=KeyKind(row["kind"]),
        project_id=row["project_id"],
        prefix=row["prefix"],
        last4=row["last4"],
        created_at=row["created_at"],
        customer_id=row["customer_id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        status=KeyStatus(row["status"]),
        expires_at=row["expires_at"],
        allowed_ips=tuple(row["allowed_ips"]),
        rate=None if row["rate"] is None else msgspec.convert(row["rate"], Allowance),
        metadata=row["metadata"],
    )


def plain(value: object) -> Any:
    """Return a value in JSON's own types."""
    return msgspec.to_builtins(value)
