"""The tables of the system before this one: their columns, and by what names they are known.

Names are compared without case and underscores: `platformId`, `platform_id` and `PLATFORMID` are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dream_gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Named(NamedTuple):
    """A column: whether a table must have it, and its other names."""

    required: bool = False
    aliases: tuple[str, ...] = ()


NEEDED = Named(required=True)
OPTIONAL = Named()
USER = Named(True, ("endUserId", "clerkUserId", "externalId", "customerId"))

TABLES: Mapping[str, Mapping[str, Named]] = {
    "platforms": {
        "platformId": Named(True, ("id",)),
        "name": OPTIONAL,
        "createdAt": OPTIONAL,
        "status": OPTIONAL,
    },
    "api_keys": {
        "publishableKey": NEEDED,
        "platformId": NEEDED,
        "secretKeyHash": Named(True, ("secretKeyDigest", "keyHash", "hash")),
        "mode": OPTIONAL,
        "name": Named(False, ("projectName",)),
        "status": OPTIONAL,
        "projectType": Named(False, ("type",)),
        "defaultTier": OPTIONAL,
        "createdAt": OPTIONAL,
    },
    "stripe_tokens": {
        "platformId": NEEDED,
        "stripeUserId": Named(True, ("accountId", "stripeAccountId")),
        "accessToken": OPTIONAL,
        "refreshToken": OPTIONAL,
        "scope": OPTIONAL,
        "mode": OPTIONAL,
        "createdAt": OPTIONAL,
    },
    "tiers": {
        "publishableKey": OPTIONAL,
        "platformId": OPTIONAL,
        "name": NEEDED,
        "limit": Named(True, ("usageLimit", "limitValue", "monthlyLimit")),
        "interval": OPTIONAL,
        "rate": OPTIONAL,
        "displayName": OPTIONAL,
        "price": OPTIONAL,
        "priceCents": OPTIONAL,
        "currency": OPTIONAL,
        "priceId": Named(False, ("stripePriceId",)),
        "productId": Named(False, ("stripeProductId",)),
        "features": OPTIONAL,
        "popular": OPTIONAL,
        "trialDays": OPTIONAL,
        "billingInterval": OPTIONAL,
    },
    "end_users": {
        "publishableKey": NEEDED,
        "userId": Named(True, (*USER.aliases, "id")),
        "plan": Named(False, ("tier",)),
        "email": OPTIONAL,
        "firstName": OPTIONAL,
        "lastName": OPTIONAL,
        "metadata": OPTIONAL,
        "createdAt": OPTIONAL,
    },
    "usage_counts": {
        "publishableKey": NEEDED,
        "userId": USER,
        "usageCount": Named(True, ("count",)),
        "plan": Named(False, ("tier",)),
        "periodStart": OPTIONAL,
        "periodEnd": OPTIONAL,
    },
    "subscriptions": {
        "publishableKey": NEEDED,
        "userId": USER,
        "subscriptionId": Named(True, ("stripeSubscriptionId",)),
        "status": NEEDED,
        "plan": Named(False, ("tier",)),
        "priceId": Named(False, ("stripePriceId",)),
        "stripeCustomerId": OPTIONAL,
        "currentPeriodStart": Named(False, ("periodStart",)),
        "currentPeriodEnd": Named(False, ("periodEnd",)),
        "cancelAt": OPTIONAL,
        "createdAt": OPTIONAL,
    },
    "events": {
        "eventId": Named(True, ("stripeEventId", "id")),
        "platformId": NEEDED,
        "type": Named(False, ("eventType",)),
        "createdAt": Named(False, ("at", "processedAt")),
    },
}

Entry = dict[str, Any]
"""A row by the names of this table; a column that is not there is not in it."""


class Found(NamedTuple):
    """A table as it was found: its rows, each with where it is, and columns that nobody asked for."""

    rows: list[tuple[str, Entry]]
    unknown: list[str]


def read_table(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Found:
    """Return the rows of one table. Raises `ConfigurationError` if a column is missing."""
    names = chosen(table, columns)
    found = [
        (
            f"{table} row {number}",
            {name: row[at] for at, name in enumerate(names) if name is not None},
        )
        for number, row in enumerate(rows, 1)
    ]
    return Found(found, [c for c, name in zip(columns, names, strict=True) if name is None])


def chosen(table: str, columns: Sequence[str]) -> list[str | None]:
    """Return for each column which one of the table it is, `None` for none."""
    plain = [_plain(column) for column in columns]
    names: list[str | None] = [None] * len(columns)
    missing = []
    for name, named in TABLES[table].items():
        spellings = [_plain(each) for each in (name, *named.aliases)]
        at = next(
            (plain.index(s) for s in spellings if s in plain and not names[plain.index(s)]), None
        )
        if at is not None:
            names[at] = name
        elif named.required:
            others = ", ".join(named.aliases)
            missing.append(f"{name} (or {others})" if others else name)
    if missing:
        raise ConfigurationError(f"The table {table} has no column {' and no '.join(missing)}.")
    return names


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
