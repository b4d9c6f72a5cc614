"""The shortest way through the service says byte for byte what the long way says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.protocols import State

from dream_gateway.http1.heads import response_head
from dream_gateway.http1.plain import Block, Line
from dream_gateway.http1.request import Request
from dream_gateway.service.protocol import ServiceProtocols

if TYPE_CHECKING:
    from conftest import Tenant  # type: ignore[import-not-found] # pytest's own, beside this file

    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.service.app import Service

DATE = b"date: now\r\n"


def charge(tenant: Tenant, user: bytes, *more: tuple[bytes, bytes]) -> Inbound:
    headers: Headers = [
        (b"host", b"service"),
        (b"authorization", b"Bearer " + tenant.secret_key.encode()),
        (b"x-user-id", user),
        (b"x-request-id", b"one"),
        *more,
    ]
    return Request("POST", b"/api/data", headers, "1.1")


@pytest.mark.parametrize("speak", ["protocol"], indirect=True)
@pytest.mark.parametrize("plan", ["free", "pro", "big", "metered"])
async def test_both_ways_say_the_same(service: Service, tenant: Tenant, plan: str) -> None:
    tier = {"name": "metered", "limit": 5, "overage": {"price": 50}}
    await tenant.client.post("/api/tiers", json=tier)
    await tenant.customer("ada", plan=plan)
    own: Any = {"headers": {"X-User-Id": "ada"}}
    seen = 0
    for _ in range(30):  # Leases grow until one lasts for the two that are compared.
        await tenant.client.post("/api/data", **own)
        long = service.try_respond(charge(tenant, b"ada"), b"")
        short = express(service, charge(tenant, b"ada"))
        if long is None or short is None:
            continue
        seen += 1
        expected = response_head(long.status, long.headers, DATE) + long.body
        assert without_counts(short) == without_counts(expected)
        assert used(short) == used(expected) + 1
    assert seen or plan == "free"


@pytest.mark.parametrize("speak", ["protocol"], indirect=True)
async def test_what_is_not_plain_goes_the_long_way(service: Service, tenant: Tenant) -> None:
    await tenant.customer("ada", plan="pro")
    for _ in range(10):
        await tenant.client.post("/api/data", headers={"X-User-Id": "ada"})
    before = await tenant.client.get("/api/usage", headers={"X-User-Id": "ada"})
    for request in (
        charge(tenant, b"nobody-yet"),
        charge(tenant, b"a%d\xc3\xa9"),
        charge(tenant, b"ada", (b"idempotency-key", b"k")),
        charge(tenant, b"ada", (b"x-usage-cost", b"2")),
        charge(tenant, b"ada", (b"x-publishable-key", b"pk_test_x")),
    ):
        assert express(service, request) is None
    after = await tenant.client.get("/api/usage", headers={"X-User-Id": "ada"})
    assert before.json() == after.json()


def express(service: Service, request: Inbound) -> bytes | None:
    client: Any = ServiceProtocols(service)(None, State(), None)
    client.connection_made(Sink())
    client.watch.date = DATE
    block = Block(request.headers, request.fields, 0)
    shortcut = service.shortcut(client, Line(b"POST", b"/api/data"), block)
    answer = None if shortcut is None else shortcut.go(b"")
    client.connection_lost(None)  # If it waits for a lease, it waits no longer.
    return answer or None


def used(answer: bytes) -> int:
    return int(answer.partition(b'"count":')[2].partition(b",")[0])


def without_counts(answer: bytes) -> list[bytes]:
    """Return the answer's words, without the numbers that a charge changes."""
    changing = (b"content-length", b"ratelimit:")
    lines = [line for line in answer.split(b"\r\n") if not line.startswith(changing)]
    body = lines.pop()
    for name in (b'"count":', b'"usageCount":', b'"remaining":', b'"overage":'):
        head, _, rest = body.partition(name)
        body = head + name + rest.lstrip(b"0123456789")
    return [*lines, body]


class Sink(asyncio.Transport):
    """Takes whatever is written: a refusal, of which no test here wants to know."""

    def write(self, data: Any) -> None: ...

    def is_closing(self) -> bool:
        return True
