"""One attempt to deliver a message over HTTP: no redirects, no proxies, nothing read of the answer.

Each attempt has a connection of its own: one that was made for another host at the same address, by the
certificate of that host, is not to be shared.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import httpx

from dream_gateway.notices.addresses import ForbiddenPlaceError, judge, place_of
from dream_gateway.notices.resolver import Resolver
from dream_gateway.version import version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.notices.addresses import Address, Network, Place

CONNECT_SECONDS = 5.0
ATTEMPT_SECONDS = 15.0
"""How long an attempt may take in all, from resolving the host to the answer's status."""

GONE = 410
MOST_ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. `fault` is `None` if it arrived; `retry_after` is in seconds."""

    answer: int | None = None
    fault: str | None = None
    retry_after: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.answer == GONE


class Sender:
    """Posts messages. Safe to share between tasks; `allowed` are private networks to be reached."""

    def __init__(self, allowed: Sequence[Network], context: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._resolver = Resolver()
        self._agent = f"dream-gateway/{version()}"
        self._client = httpx.AsyncClient(
            verify=context or httpx.create_ssl_context(),
            timeout=httpx.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, url: str, body: bytes, fields: Mapping[str, str]) -> Outcome:
        """Try once to deliver a message. Whatever goes wrong is an outcome."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                place = place_of(url, self._allowed)
                addresses = await self._resolver.resolve(place)
                judge(place, addresses, self._allowed)
                return await self._try_each(place, addresses[:MOST_ADDRESSES], body, fields)
        except ForbiddenPlaceError as exc:
            return Outcome(fault=f"The URL is not allowed. {exc}")
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(fault="It took too long.")
        except httpx.HTTPError as exc:
            return Outcome(fault=_fault(exc))
        except (OSError, UnicodeError):
            return Outcome(fault="The host cannot be found.")
        except httpx.InvalidURL:
            return Outcome(fault="It is not a URL.")

    async def aclose(self) -> None:
        """Close what is open."""
        self._resolver.close()
        await self._client.aclose()

    async def _try_each(
        self, place: Place, addresses: Sequence[Address], body: bytes, fields: Mapping[str, str]
    ) -> Outcome:
        """Post to the first address that a connection can be made to."""
        for address in addresses[:-1]:
            try:
                return await self._post(place, address, body, fields)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._post(place, addresses[-1], body, fields)

    async def _post(
        self, place: Place, address: Address, body: bytes, fields: Mapping[str, str]
    ) -> Outcome:
        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        request = self._client.build_request(
            "POST",
            f"{place.scheme}://{host}:{place.port}{place.target}",
            content=body,
            headers={
                "host": _host_field(place),
                "user-agent": self._agent,
                "content-type": "application/json",
                "connection": "close",
                **fields,
            },
            # The certificate is the name's, not the address's.
            extensions={"sni_hostname": place.host},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()
        return _outcome(answer)


def _outcome(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Outcome(status)
    what = "It redirects, which is not followed" if answer.is_redirect else "It answered"
    wait = answer.headers.get("retry-after", "")
    retry_after = float(wait[:9]) if wait.isascii() and wait.isdigit() else None
    return Outcome(status, f"{what}: {status}.", retry_after)


def _host_field(place: Place) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    is_usual = place.port == (443 if place.scheme == "https" else 80)
    return host if is_usual else f"{host}:{place.port}"


def _fault(exc: httpx.HTTPError) -> str:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "Its certificate does not hold, or TLS failed."
        cause = cause.__cause__ or cause.__context__
    if isinstance(exc, httpx.ConnectError):
        return "No connection can be made."
    return "The connection broke off."
