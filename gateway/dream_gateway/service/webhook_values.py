"""Webhook endpoints between JSON and the records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import asdict

from dream_gateway.records.messages import EndpointStatus
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.service.versions import versioned
from dream_gateway.service.webhook_shapes import EndpointSecret, EndpointView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.records.webhook_endpoints import Endpoint
    from dream_gateway.service.webhook_shapes import EndpointChange


def endpoint_view(endpoint: Endpoint) -> EndpointView:
    """Return an endpoint as callers see it."""
    return EndpointView(
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        types=list(endpoint.types),
        status=endpoint.status,
        error=endpoint.fault,
        failing_since=optional_instant(endpoint.failing_since),
        previous_secret_until=optional_instant(endpoint.previous_until),
        created_at=instant(endpoint.created_at),
    )


def changed_endpoint(endpoint: Endpoint, asked: EndpointChange) -> Endpoint:
    """Return an endpoint with what was sent put in the place of what was."""
    status = endpoint.status if asked.status is UNSET else EndpointStatus(asked.status)
    changed = replace(
        endpoint,
        url=endpoint.url if asked.url is UNSET else asked.url,
        types=endpoint.types if asked.types is UNSET else once_each(asked.types),
        description=endpoint.description if asked.description is UNSET else asked.description,
        status=status,
    )
    if asked.url is UNSET and asked.status is UNSET:
        return changed
    # Whoever moves it or enables it says that it works now.
    return replace(changed, fault=None, failures=0, failing_since=None, paused_until=None)


def made(endpoint: Endpoint, secret: str) -> Answer:
    """Return the answer with an endpoint's new secret, which a repeat does not get."""
    view = endpoint_view(endpoint)
    return Answer(
        EndpointSecret(**asdict(view), secret=secret),
        headers=versioned(view),
        kept=EndpointSecret(**asdict(view), replayed=True),
    )


def shown(endpoint: Endpoint) -> Answer:
    """Return the answer that shows an endpoint."""
    view = endpoint_view(endpoint)
    return Answer(view, headers=versioned(view))


def once_each(types: Sequence[str]) -> tuple[str, ...]:
    """Return types without those that were named before."""
    return tuple(dict.fromkeys(types))
