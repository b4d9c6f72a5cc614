"""What plugins serve on this listener, beside the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http.inbound import from_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.hookspecs import Site
    from dream_gateway.http.asgi import Headers, Message, Receive, Scope, Send
    from dream_gateway.http.peers import TrustedProxies
    from dream_gateway.service.dispatch import Dispatcher
    from dream_gateway.service.operation import Operation


ONLY_BY_TLS: Headers = [(b"strict-transport-security", b"max-age=15552000")]
"""Browsers come by TLS alone for 180 days (RFC 6797 6.1); other hosts below this one as they like."""


class Sites:
    """The sites by their prefixes; `dispatcher` answers what they raise.

    `fields` are sent with every answer of theirs.
    """

    def __init__(
        self,
        sites: Iterable[Site],
        proxies: TrustedProxies,
        dispatcher: Dispatcher,
        fields: Headers,
    ) -> None:
        self._by_prefix: dict[str, Site] = {}
        self._kept: tuple[str, ...] = ()
        self._proxies = proxies
        self._dispatcher = dispatcher
        self._fields = fields
        for site in sites:
            self.add(site)

    def add(self, site: Site, operations: Iterable[Operation] = ()) -> None:
        """Have a site served; operations with a path below one of its prefixes stay what they are."""
        self._by_prefix |= dict.fromkeys(site.prefixes, site)
        bases = {each.path.partition("{")[0].rstrip("/") for each in operations}
        self._kept += tuple(b for b in bases if any(_is_below(b, p) for p in site.prefixes))

    def find(self, path: str) -> Site | None:
        """Return the site that a path is of."""
        prefix = self.prefix(path)
        return None if prefix is None else self._by_prefix[prefix]

    def prefix(self, path: str) -> str | None:
        """Return the prefix of the site that a path is of."""
        for prefix in self._by_prefix:
            if _is_below(path, prefix):
                return None if any(_is_below(path, kept) for kept in self._kept) else prefix
        return None

    async def respond(self, site: Site, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a site answer a request, and tell it who really asked."""
        inbound = from_scope(scope)
        address = self._proxies.peer(inbound).address
        seen = {**scope, "client": None if address is None else (address, 0)}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._fields]
            await send(message)

        try:
            await site(seen, receive, answer)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            reply = self._dispatcher.refuse(exc, inbound)
            await reply.send(answer, head=inbound.method == "HEAD")


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) :][:1] in {"", "/"}
