"""A user signs in at a real provider and calls a served gateway with the token, to the tier's limit."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from oidc_provider_mock import run_server_in_thread
from tests.oidc.conftest import running
from tests.servers.gateway import Served, installation
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The provider is built with a library that warns of its own next version.
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CLIENT, CALLBACK = "the-gateway", "https://app.example.com/callback"
LIMIT = 5


class Api(ThreadingHTTPServer):
    """The API behind the gateway: notes the fields it gets."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                del args

        super().__init__(("127.0.0.1", 0), Handler)


def sign_in(issuer: str, user: str, **claims: object) -> str:
    """Return the ID token of a user who signs in by the authorization code flow."""
    with httpx.Client(base_url=issuer, trust_env=False) as client:
        client.put(f"/users/{user}", json=claims).raise_for_status()
        query = {
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid email",
        }
        back = client.post("/oauth2/authorize", params=query, data={"sub": user})
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = client.post("/oauth2/token", data=form, auth=(CLIENT, "secret"))
        return str(answer.raise_for_status().json()["id_token"])


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    with running(api):
        yield api


def test_to_the_limit_and_on_after_an_upgrade(tmp_path: Path, api: Api) -> None:
    with run_server_in_thread() as provider:
        issuer = f"http://localhost:{provider.server_port}"
        gateway = installation(
            tmp_path,
            upstream=f"http://127.0.0.1:{api.server_port}",
            workers=2,
            plugins={"oidc": {"users": {"issuer": issuer, "audience": [CLIENT]}}},
        )
        made = gateway.create_platform(f"free={LIMIT}/month", "pro=unlimited", name="one")
        other = gateway.create_platform("free=1/month", name="two")
        ada = sign_in(
            issuer,
            "ada",
            email="ada@example.com",
            publishableKey=made["publishableKey"],
            plan="pro",
        )
        eve = sign_in(issuer, "eve", publishableKey=other["publishableKey"])
        with gateway.serving() as listening:
            calls = Calls(listening, made)
            assert calls.get("/hello", eve).json()["code"] == "tenant_mismatch"
            statuses = [calls.get("/hello", ada).status_code for _ in range(LIMIT + 3)]
            assert statuses == [200] * LIMIT + [429] * 3
            assert len(api.seen) == LIMIT
            assert {field["x-dream-customer"] for field in api.seen} == {"ada"}
            assert {field["x-dream-plan"] for field in api.seen} == {"free"}
            assert all("authorization" not in field for field in api.seen)
            assert all("x-publishable-key" not in field for field in api.seen)
            assert calls.usage(ada)["usageCount"] == LIMIT
            calls.upgrade("ada")
            calls.until(200, ada)
            until(lambda: calls.usage(ada)["limit"] == "unlimited", "told of the upgrade")


class Calls:
    """Requests as a page and as a developer's server send them, each on a connection of its own."""

    def __init__(self, listening: Served, made: dict[str, str]) -> None:
        self.edge, self.service = listening.edge, listening.service
        self.publishable_key, self.secret_key = made["publishableKey"], made["secretKey"]

    def get(self, path: str, token: str, base: str | None = None) -> httpx.Response:
        headers = {"x-publishable-key": self.publishable_key, "authorization": f"Bearer {token}"}
        return httpx.get((base or self.edge) + path, headers=headers, trust_env=False, timeout=30)

    def usage(self, token: str) -> Any:
        return self.get("/api/usage", token, self.service).raise_for_status().json()

    def upgrade(self, user: str) -> None:
        with httpx.Client(
            base_url=self.service,
            headers={"authorization": f"Bearer {self.secret_key}"},
            trust_env=False,
        ) as client:
            (found,) = client.get("/api/customers", params={"externalId": user}).json()["data"]
            changed = client.patch(f"/api/customers/{found['id']}", json={"plan": "pro"})
            assert changed.status_code == 200

    def until(self, status: int, token: str) -> None:
        """Ask until every worker has heard; the feed tells within a second."""

        def heard() -> bool:
            return all(self.get("/hello", token).status_code == status for _ in range(8))

        until(heard, f"answered with {status} by every worker")
