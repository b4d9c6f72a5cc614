"""dream-gateway: API keys, tiers, rate limits and exact usage counting in front of your API.

`GatewayMiddleware(app, gateway=Gateway(Settings(store=...)))` meters an ASGI application in its own
process; everything else is done by the command `dream-gateway`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.model import Allowance, Credential, Customer, Project, Tier, Usage, Verdict

if TYPE_CHECKING:
    from dream_gateway.edge.middleware import GatewayMiddleware
    from dream_gateway.gateway import Gateway
    from dream_gateway.settings import Settings

__all__ = [
    "Allowance",
    "Credential",
    "Customer",
    "Gateway",
    "GatewayMiddleware",
    "Project",
    "Settings",
    "Tier",
    "Usage",
    "Verdict",
]

_ELSEWHERE = {
    "Gateway": "dream_gateway.gateway",
    "GatewayMiddleware": "dream_gateway.edge.middleware",
    "Settings": "dream_gateway.settings",
}
"""What takes long to import, and is only imported when it is asked for."""


def __getattr__(name: str) -> object:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 # values and errors need nothing of this

    return getattr(import_module(_ELSEWHERE[name]), name)
