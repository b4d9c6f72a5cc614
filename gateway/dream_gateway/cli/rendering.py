"""The domain as the commands print it: names in camelCase, times in ISO 8601, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dream_gateway.model import Allowance, Credential, Customer, Product, Project, Tier


def time_text(at: float | None) -> str | None:
    """Return an instant in ISO 8601, UTC, to the second; `None` for none."""
    if at is None:
        return None
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def instant(text: str | None, option: str) -> float | None:
    """Return an option's ISO 8601 time as seconds since the epoch; one without an offset is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            "not an ISO 8601 time such as 2030-01-31T12:00Z", param_hint=option
        ) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def allowance_text(allowance: Allowance) -> str:
    """Return an allowance as a tier's spec has it, such as `100/month` or `10/second`."""
    if allowance.limit is None:
        return "unlimited"
    return f"{allowance.limit}/{allowance.interval}"


def tier_row(tier: Tier) -> dict[str, object]:
    """Return a tier for printing."""
    return {
        "name": tier.name,
        "price": tier.price,
        "currency": tier.currency,
        "billingInterval": tier.billing_interval,
        "trialDays": tier.trial_days,
        "quota": allowance_text(tier.quota) if tier.quota else None,
        "rate": allowance_text(tier.rate) if tier.rate else None,
        "burst": tier.rate.burst if tier.rate else None,
        "overage": f"{tier.overage.price}/{tier.overage.per}" if tier.overage else None,
    }


def product_row(product: Product) -> dict[str, object]:
    """Return a product for printing; the price is in the currency's minor unit."""
    return {
        "productId": product.id,
        "name": product.name,
        "displayName": product.display_name or product.name,
        "price": product.price,
        "currency": product.currency,
        "inventory": product.inventory,
        "soldOut": product.sold_out or product.inventory == 0,
        "createdAt": time_text(product.created_at),
    }


def project_row(project: Project, platform: str) -> dict[str, object]:
    """Return a project for printing, with its platform's name."""
    return {
        "platformId": project.platform_id,
        "projectId": project.id,
        "name": platform,
        "mode": project.mode,
        "defaultTier": project.default_tier,
        "limits": [allowance_text(allowance) for allowance in project.allowances],
        "suspended": project.suspended,
        "createdAt": time_text(project.created_at),
    }


def customer_row(customer: Customer) -> dict[str, object]:
    """Return a customer for printing; `id` is the developer's own name for them."""
    return {
        "id": customer.external_id,
        "customerId": customer.id,
        "plan": customer.plan,
        "suspended": customer.suspended,
        "createdAt": time_text(customer.created_at),
    }


def key_row(key: Credential) -> dict[str, object]:
    """Return a key for printing; there is no secret to print."""
    return {
        "keyId": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "last4": key.last4,
        "status": key.status,
        "scopes": list(key.scopes),
        "rate": allowance_text(key.rate) if key.rate else None,
        "expiresAt": time_text(key.expires_at),
        "lastUsedAt": time_text(key.last_used_at),
        "createdAt": time_text(key.created_at),
    }
