"""What to try after the demo, as lines for a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.demo.seed import Seeded


def calls(edge: str, service: str, path: str, seeded: Seeded) -> list[str]:
    """Return requests of customers, and of the developer's back end."""
    return [
        f'curl -i "{edge}{path}" -H "Authorization: Bearer {seeded.pro_key}"',
        f'curl -i "{edge}{path}" -H "Authorization: Bearer {seeded.free_key}"',
        f'curl "{service}/api/usage" {_as("ada", seeded)}',
        f'curl -X POST "{service}/api/data" {_as("grace", seeded)}',
    ]


def pages(service: str, seeded: Seeded) -> list[str]:
    """Return requests that are answered with a page of the payments' to open in a browser."""
    json = """-H "Content-Type: application/json" -d '{"tier": "pro"}'"""
    return [
        f'curl -X POST "{service}/api/customer-portal" {_as("ada", seeded)}',
        f'curl -X POST "{service}/api/create-checkout" {_as("grace", seeded)} {json}',
    ]


def _as(customer: str, seeded: Seeded) -> str:
    return f'-H "Authorization: Bearer {seeded.secret_key}" -H "X-User-Id: {customer}"'
