"""The plugin: its table of settings, and the site that is scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from dream_gateway.errors import (
    InvalidCredentialError,
    MethodNotAllowedError,
    MissingCredentialError,
    NotFoundError,
)
from dream_gateway.hookspecs import hookimpl
from dream_gateway_prometheus.exposition import exposition

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from dream_gateway.facilities import Facilities
    from dream_gateway.hookspecs import Site

PATH = "/metrics"


class PrometheusOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[plugins.prometheus]` table."""

    access: Annotated[
        Literal["operator", "open"],
        Meta(description="Who may read them: whoever has one of `operator_tokens`, or everybody."),
    ] = "operator"
    projects: Annotated[
        bool,
        Meta(description="Whether projects have a label of their own; each is many more series."),
    ] = False


class MetricsSite:
    """Answers a scrape with the numbers of all workers of the node, whichever is asked."""

    prefixes = (PATH,)

    def __init__(self, options: PrometheusOptions) -> None:
        self._options = options
        self._lent: Facilities | None = None

    async def open(self, facilities: Facilities) -> None:
        """Have the numbers gathered."""
        self._lent = facilities
        facilities.metrics.begin(by_project=self._options.projects)

    async def aclose(self) -> None:
        """Answer no more."""
        self._lent = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a scrape. Raises the `GatewayError` that refuses it."""
        del receive
        lent = self._lent
        if lent is None or scope["path"] != PATH:
            raise NotFoundError
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowedError(headers=(("Allow", "GET, HEAD"),))
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._options.access == "operator":
            _check_operator(lent, headers.get(b"authorization", ""))
        text, kind = exposition(
            await lent.metrics.node(),
            headers.get(b"accept", ""),
            by_project=self._options.projects,
        )
        fields = [
            (b"content-type", kind.encode("latin-1")),
            (b"content-length", str(len(text)).encode("ascii")),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        body = b"" if scope["method"] == "HEAD" else text
        await send({"type": "http.response.body", "body": body})


class PrometheusPlugin:
    """Registers the site."""

    @hookimpl
    def settings_type(self) -> type[PrometheusOptions]:
        """Have the table checked against the options."""
        return PrometheusOptions

    @hookimpl
    def sites(self, settings: PrometheusOptions) -> Sequence[Site]:
        """Serve `/metrics`."""
        return [MetricsSite(settings)]


def _check_operator(lent: Facilities, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise MissingCredentialError
    if not lent.is_operator(token.strip()):
        raise InvalidCredentialError
