"""Rows to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.model import (
    Alignment,
    Allowance,
    Branding,
    Credential,
    Customer,
    Developer,
    KeyKind,
    KeyStatus,
    Membership,
    Mode,
    Platform,
    Product,
    Project,
    ProjectType,
    Role,
    Subscription,
    Tier,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping


def platform_of(row: RowMapping) -> Platform:
    """Return a platform."""
    suspended, unpaid = bool(row["suspended"]), bool(row["unpaid"])
    return Platform(row["id"], row["name"], row["created_at"], suspended, unpaid)


def developer_of(row: RowMapping) -> Developer:
    """Return a developer."""
    return Developer(
        id=row["id"],
        issuer=row["issuer"],
        subject=row["subject"],
        created_at=row["created_at"],
        email=row["email"],
        email_verified=bool(row["email_verified"]),
        first_name=row["first_name"],
        last_name=row["last_name"],
    )


def membership_of(row: RowMapping) -> Membership:
    """Return a developer's part in a platform."""
    return Membership(
        id=row["id"],
        platform_id=row["platform_id"],
        developer_id=row["developer_id"],
        email=row["email"],
        role=Role(row["role"]),
        created_at=row["created_at"],
    )


def project_of(row: RowMapping, origins: Sequence[str]) -> Project:
    """Return a project; the row has its platform's `refused` as `suspended`."""
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
        type=ProjectType(row["type"]),
        origins=tuple(origins),
        branding=msgspec.convert(row["branding"], Branding),
        promoted_from=row["promoted_from"],
        deleted_at=row["deleted_at"],
    )


def product_of(row: RowMapping) -> Product:
    """Return a product."""
    return Product(
        id=row["id"],
        project_id=row["project_id"],
        name=row["name"],
        price=row["price"],
        currency=row["currency"],
        created_at=row["created_at"],
        display_name=row["display_name"],
        description=row["description"],
        image_url=row["image_url"],
        inventory=row["inventory"],
        sold_out=bool(row["sold_out"]),
        features=tuple(row["features"]),
        price_id=row["price_id"],
        product_id=row["product_id"],
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
        subscription=None
        if row["subscription"] is None
        else msgspec.convert(row["subscription"], Subscription),
        suspended=bool(row["suspended"]),
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
        last_used_at=row["last_used_at"],
    )


def plain(value: object) -> Any:
    """Return a value in JSON's own types."""
    return msgspec.to_builtins(value)
