"""Every route of a live server against its own document, by requests that are made up from it.

`DREAM_GATEWAY_TEST_EXAMPLES` is how many for each route; a nightly run takes more of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from codegen.document import unbound
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import select
from tests.servers.beside import loop_beside
from tests.servers.protocols import listening
from tests.service.conftest import OPERATOR, WithIdentities
from tests.service.signed_tokens import SignedTokens

from dream_gateway.gateway import Gateway
from dream_gateway.records import messages, webhook_endpoints
from dream_gateway.records.schema import projects
from dream_gateway.records.webhook_endpoints import Endpoint
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.settings import Settings
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

MEANT = {
    "Idempotency-Key",
    "X-Usage-Cost",
    "code",
    "If-Match",
    "X-Project-Id",
    "X-Platform-Id",
    "cursor",
    "expiresAt",
    "allowedIps",
    "origins",
    "plan",
    "defaultTier",
    "password",
    "interval",
    "url",
    "since",
    "messageIds",
}
EXAMPLES = int(os.environ.get("DREAM_GATEWAY_TEST_EXAMPLES", "5"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Live:
    """A server, and who may ask it."""

    url: str
    tokens: SignedTokens
    secret_key: str = ""
    ids: dict[str, str] | None = None

    def headers(self, case: Any) -> dict[str, str]:
        """Return the credential that a route takes, and where it is to be used."""
        wanted = {name for each in case.operation.definition.raw["security"] for name in each}
        if "secretKey" in wanted:
            return {"Authorization": f"Bearer {self.secret_key}", "X-User-Id": "u"}
        if "platformToken" in wanted:
            return {"Authorization": f"Bearer {self.tokens.sign('ada', 'ada@example.com')}"}
        return {"Authorization": f"Bearer {OPERATOR}"} if wanted else {}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on loopback with a project in it, on a loop of its own."""
    clock = FakeClock()
    tokens = SignedTokens(clock)
    store = f"sqlite:///{tmp_path_factory.mktemp('live')}/dream.db"
    gateway = Gateway(Settings(store=store, operator_tokens=(OPERATOR,)), clock)
    gateway.plugins = WithIdentities((), (tokens,))
    with loop_beside() as beside:
        beside.run(gateway.start())
        try:
            protocols = ServiceProtocols(create_service(ServiceHost(gateway)))
            with beside.entered(listening(protocols)) as url:
                live = furnished(Live(url, tokens))
                told = beside.run(told_of(gateway))
                yield replace(live, ids={**(live.ids or {}), **told})
        finally:
            beside.run(gateway.close())


async def told_of(gateway: Gateway) -> dict[str, str]:
    """Put in a webhook endpoint, and a message; return their ids.

    Its secret cannot be opened, so that nothing is ever sent to a URL that is made up.
    """
    async with gateway.records.write("test") as writer:
        query = select(projects.c.id).where(projects.c.name == "shop")
        project = str((await writer.connection.execute(query)).scalar())
        endpoint = Endpoint("whe_1", project, "https://hooks.invalid/", b"?", writer.now)
        await webhook_endpoints.add(writer, endpoint)
        message = await messages.test(writer, project, endpoint.id)
    return {"/api/webhook-endpoints": endpoint.id, "/api/webhook-messages": message}


def furnished(live: Live) -> Live:
    """Put one of everything in, for requests that name what is there."""
    developer = {"authorization": f"Bearer {live.tokens.sign('ada', 'ada@example.com')}"}
    with httpx.Client(base_url=live.url, trust_env=False) as client:

        def post(path: str, body: Any, **headers: str) -> Any:
            answer = client.post(path, json=body, headers=headers)
            assert answer.is_success, answer.text
            return answer.json()

        made = post("/platform/projects", {"name": "shop"}, **developer)
        live.secret_key = made["secretKey"]
        own = {"authorization": f"Bearer {live.secret_key}"}
        post("/api/tiers", {"name": "free", "limit": 1000}, **own)
        post("/api/tiers", {"name": "pro"}, **own)
        person = post("/api/customers", {"email": "a@example.com", "externalId": "u"}, **own)
        key = post(f"/api/customers/{person['customer']['id']}/keys", {}, **own)
        product = post("/api/products", {"name": "mug", "price": 1}, **own)
        event = post("/api/data", {}, **own, **{"x-user-id": "u", "idempotency-key": "e"})
        victim = post("/platform/projects", {"name": "victim"}, **developer)["project"]
        credentials = f"/platform/projects/{victim['id']}/credentials"
        member = {"email": "b@example.com", "role": "member"}
        live.ids = {
            "/api/customers": person["customer"]["id"],
            "/api/products": product["id"],
            "/api/orders": "ord_none",
            "/platform/connections": "test",
            "name": "pro",
            "eventId": event["eventId"],
            "/api/keys": key["keyId"],
            "projectId": victim["id"],
            "/platform/projects": post(credentials, {}, **developer)["keyId"],
            "memberId": post("/platform/members", member, **developer)["id"],
            "platformId": post(
                "/platform/sign-up", {}, authorization=f"Bearer {live.tokens.sign('grace')}"
            )["platform"]["id"],
        }
    return live


@pytest.fixture(scope="module")
def api(live: Live) -> Any:
    return schemathesis.openapi.from_url(f"{live.url}/openapi.json")


ROUTES = sorted((each.path, each.method) for each in unbound())


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_any_request(api: Any, live: Live, path: str, method: str) -> None:
    """By ids that are made up, and by ids of what is there."""
    made_up = api[path][method].as_strategy()

    @SETTINGS
    @given(case=made_up, there=st.booleans())
    def check(case: Any, there: bool) -> None:
        if there:
            name_what_is_there(case, live.ids or {})
        case.call_and_validate(headers=live.headers(case), excluded_checks=excluded(case))

    check()


def excluded(case: Any) -> list[Any]:
    """Return the checks that do not hold for a request.

    What is of the right shape is accepted, unless more than that is asked: a version, a cursor, a
    time to come and a block of addresses make sense to the server alone. And a route that needs a
    plugin says so, by a status above 500 that is documented.
    """
    needs_plugin = "501" in case.operation.definition.raw["responses"]
    body = case.body if isinstance(case.body, dict) else {}
    asked = {*(case.headers or {}), *(case.query or {}), *body}
    checks = [] if asked.isdisjoint(MEANT) and not needs_plugin else [positive_data_acceptance]
    return [*checks, *([not_a_server_error] if needs_plugin else [])]


def name_what_is_there(case: Any, ids: dict[str, str]) -> None:
    """Put ids of what is there in the place of those that are made up."""
    noun = "/".join(case.operation.path.split("/")[:3])
    for name in case.path_parameters or {}:
        case.path_parameters[name] = ids.get(name) or ids[noun]
