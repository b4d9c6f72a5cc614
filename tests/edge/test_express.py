"""The shortest way through the edge says just what the long way says, on the real gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.servers.protocols import listening

from dream_gateway.administration import Administration
from dream_gateway.edge.front import Front
from dream_gateway.edge.origins import Origins
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import RouteTable
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.shortcut import Shortcut


@pytest.fixture(
    params=["pro=unlimited", "free=1000/month", "slow=1000/month@900/h", "one=800/d@2000/s"]
)
async def shop(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway, and a key of a customer whose name needs encoding."""
    gateway = Gateway(Settings(store=f"sqlite:///{tmp_path}/dream.db"))
    try:
        await gateway.start()
        administration = Administration(gateway.records)
        tiers = [parse_tier(request.param)]
        made = await administration.create_platform("shop", Mode.TEST, tiers, [])
        await administration.create_customer(made.project.id, "Ada %é", None)
        yield gateway, (await administration.create_key(made.project.id, "Ada %é")).secret
    finally:
        await gateway.close()


async def test_it_answers_as_the_long_way_does(shop: tuple[Gateway, str]) -> None:
    gateway, key = shop
    front = Front(gateway.admission, RouteTable([]))
    protocols = EdgeProtocols(front, Origins())
    expressed: list[bool] = []
    shortcut = protocols.express.shortcut

    class Noted:
        def __init__(self, way: Shortcut) -> None:
            self.way = way

        def go(self, body: bytes) -> bytes | None:
            answer = self.way.go(body)
            expressed.append(answer is not None)
            return answer

    def noted(client: HttpConnection, line: Line, block: Block) -> Shortcut | None:
        way = shortcut(client, line, block)
        return None if way is None else Noted(way)

    protocols.express.shortcut = noted  # type: ignore[method-assign] # to see which way was taken
    own = {"authorization": f"Bearer {key}"}
    async with (
        listening(protocols) as url,
        httpx.AsyncClient(base_url=url, headers=own, trust_env=False, timeout=60) as client,
    ):
        answers = []
        for number in range(12):
            # A named path is never answered by the short way.
            more = {"x-forwarded-uri": "/any"} if number % 2 else {}
            answers.append(await client.get("/authorize", headers=more))
    assert True in expressed
    told = [comparable(answer) for answer in answers if answer.status_code == 200]
    assert all(each == told[0] for each in told)
    counts = [remaining(answer) for answer in answers if answer.status_code == 200]
    assert counts == sorted(counts, reverse=True)
    assert {answer.status_code for answer in answers} <= {200, 429}


def comparable(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return the fields in order, without what differs from answer to answer."""
    changing = {"x-request-id", "date"}
    return [
        (name, value if name != "ratelimit" else value.count(";r=") * "policy")
        for name, value in answer.headers.items()
        if name not in changing
    ]


def remaining(answer: httpx.Response) -> int:
    first = answer.headers.get("ratelimit", '"";r=0;t=0').split(";")[1]
    return int(first.removeprefix("r="))
