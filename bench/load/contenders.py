"""Who runs: yardsticks first, then the gateway, then its peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.load.servers import gateway, nginx, proxies, python

if TYPE_CHECKING:
    from bench.load.contender import Contender


def contenders() -> tuple[Contender, ...]:
    """Return all of them, whether installed or not."""
    return (
        nginx.answer(),
        nginx.proxy(),
        gateway.authorize(),
        gateway.data(),
        gateway.proxy(),
        proxies.haproxy(),
        proxies.envoy(),
        proxies.traefik(),
        proxies.caddy(),
        python.limits(),
        python.slowapi(),
    )
