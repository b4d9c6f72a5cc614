"""The service's OpenAPI document, without a gateway: operations are described, and never called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec

from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.plugins import Plugins
from dream_gateway.service.openapi import openapi
from dream_gateway.service.table import operations
from dream_gateway.settings import Settings

_PARTS = ("billing", "admission", "directory", "clock", "health")


def document() -> dict[str, Any]:
    """Return the document as its readers get it."""
    nothing = SimpleNamespace(
        **dict.fromkeys(_PARTS), plugins=Plugins({}), settings=Settings(), exchanges=()
    )
    made = openapi(operations(cast("Any", nothing), RateLimitHeaders()))
    read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return read
