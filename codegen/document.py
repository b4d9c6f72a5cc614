"""The service's operations and OpenAPI document, without a gateway: described, and never called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec

from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.plugins import Plugins
from dream_gateway.service.openapi import openapi
from dream_gateway.service.table import operations
from dream_gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.service.operation import Operation

_PARTS = ("billing", "admission", "directory", "clock", "health")


def unbound(**given: Any) -> Sequence[Operation]:
    """Return the operations of no gateway, or of one that has only the parts that are given."""
    parts = {"plugins": Plugins({}), "settings": Settings(), "exchanges": ()} | given
    nothing = SimpleNamespace(**dict.fromkeys(_PARTS) | parts)
    return operations(cast("Any", nothing), RateLimitHeaders())


def document() -> dict[str, Any]:
    """Return the document as its readers get it."""
    read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi(unbound())))
    return read
