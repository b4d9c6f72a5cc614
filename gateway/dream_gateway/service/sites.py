"""What plugins serve on this listener, beside the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http.inbound import from_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.hookspecs import Site
    from dream_gateway.http.asgi import Receive, Scope, Send
    from dream_gateway.http.peers import TrustedProxies
    from dream_gateway.service.dispatch import Dispatcher


class Sites:
    """The sites by their prefixes; `dispatcher` answers what they raise."""

    def __init__(
        self, sites: Iterable[Site], proxies: TrustedProxies, dispatcher: Dispatcher
    ) -> None:
        self._by_prefix = {prefix: site for site in sites for prefix in site.prefixes}
        self._proxies = proxies
        self._dispatcher = dispatcher

    def find(self, path: str) -> Site | None:
        """Return the site that a path is of."""
        for prefix, site in self._by_prefix.items():
            if path.startswith(prefix) and path[len(prefix) :][:1] in {"", "/"}:
                return site
        return None

    async def respond(self, site: Site, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a site answer a request, and tell it who really asked."""
        inbound = from_scope(scope)
        address = self._proxies.peer(inbound).address
        seen = {**scope, "client": None if address is None else (address, 0)}
        try:
            await site(seen, receive, send)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            reply = self._dispatcher.refuse(exc, inbound)
            await reply.send(send, head=inbound.method == "HEAD")
