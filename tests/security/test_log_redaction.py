"""A gateway that logs all it can, asked in every wrong way: no secret is in its log."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.servers.gateway import Installation, installation

from dream_gateway import keys
from dream_gateway.administration import open_administration
from dream_gateway.configuration import load_settings
from dream_gateway.encryption_keys import mint_key
from dream_gateway.model import KeyKind, Mode
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATOR_TOKEN = "operator-token-" + "x" * 32
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@dataclass
class Served:
    """A gateway that runs: its two planes, what it was set up with, and every secret there was."""

    edge: httpx.Client
    service: httpx.Client
    secret_key: str
    customer_key: str
    secrets: set[str] = field(default_factory=set)

    def minted(self, answer: httpx.Response) -> dict[str, Any]:
        """Return an answer in which a secret is shown, and remember the secret."""
        body: dict[str, Any] = answer.json()
        self.secrets.add(body["key"])
        return body


async def prepare(config: Path) -> tuple[str, str]:
    """Make a platform, and return its secret key and a customer's."""
    settings = load_settings(config, {}, {}).settings
    async with open_administration(settings) as admin:
        made = await admin.create_platform("A", Mode.TEST, [parse_tier("free=3/month")], [])
        await admin.create_customer(made.project.id, "ada", None)
        return made.secret_key, (await admin.create_key(made.project.id, "ada")).secret


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return installation(
        tmp_path,
        log_level="debug",
        access_log=True,
        query_parameter="key",
        imported_keys=True,
        upstream="http://127.0.0.1:9",
        operator_tokens=[OPERATOR_TOKEN],
        encryption_keys=[mint_key()],
    )


@contextmanager
def serving(place: Installation) -> Iterator[Served]:
    secret, key = asyncio.run(prepare(place.config))
    with (
        place.serving() as gateway,
        httpx.Client(base_url=gateway.edge) as edge,
        httpx.Client(base_url=gateway.service) as service,
    ):
        secrets = {secret, key, OPERATOR_TOKEN, JWT}
        yield Served(edge, service, secret, key, secrets)


def ask_in_every_wrong_way(served: Served) -> None:
    """Use good keys, bad ones, and put them where none belongs."""
    bad = keys.mint(KeyKind.CUSTOMER, Mode.TEST)
    foreign = "sk_live_" + "Ab3" * 12
    served.secrets |= {bad, foreign}
    escaped = "".join(f"%{ord(each):02x}" for each in served.secret_key)
    given = [
        served.secret_key,
        served.customer_key,
        bad,
        foreign,
        OPERATOR_TOKEN,
        JWT,
        bad + "\xff",
    ]
    for plane in (served.edge, served.service):
        for secret in given:
            bearer = {b"authorization": f"Bearer {secret}".encode("latin-1")}
            for path in (
                "/authorize",
                "/api/usage",
                "/api/customers/none",
                "/nowhere",
                "/platform",
            ):
                plane.get(path, headers=bearer)
            plane.get("/x", headers={b"x-api-key": secret.encode("latin-1")})
            plane.get(f"/x?key={secret}&other={secret}")
            plane.post("/api/customers", headers=bearer, json={"email": secret, secret: 1})
        for path in (served.secret_key, f"a/{served.customer_key}/b", escaped, f"ak_{escaped}"):
            plane.get(f"/api/{path}")
            plane.get(f"/{path}", headers={"x-request-id": served.customer_key})
            plane.request(served.secret_key, "/health")
        plane.get("/x", headers={"host": f"a b {served.secret_key}"})


def make_keys(served: Served) -> None:
    """Mint, rotate and verify keys."""
    own = {"authorization": f"Bearer {served.secret_key}"}
    customer = served.service.post("/api/customers", headers=own, json={"email": "a@example.com"})
    path = f"/api/customers/{customer.json()['customer']['id']}/keys"
    key = served.minted(served.service.post(path, headers=own, json={"name": "k"}))
    rotated = served.service.post(
        f"/api/keys/{key['keyId']}/rotate", headers=own, json={"graceSeconds": 5}
    )
    new = served.minted(rotated)["key"]
    for asked in (new, key["key"], new[:-1], new + "\u00e9"):
        served.service.post("/api/verify", headers=own, json={"key": asked})
    served.service.post("/api/data", headers={**own, "x-user-id": new})
    for _ in range(5):
        served.edge.get("/", headers={"authorization": f"Bearer {new}"})


@pytest.mark.long
def test_no_secret_is_in_the_log_of_a_served_run(place: Installation) -> None:
    with serving(place) as served:
        make_keys(served)
        ask_in_every_wrong_way(served)
    text = place.log.read_text()
    encryption_key = re.search(r'encryption_keys = \["(.*)"\]', place.config.read_text())
    assert encryption_key is not None
    for secret in (*served.secrets, encryption_key[1]):
        assert secret not in text
        assert "".join(f"%{ord(each):02x}" for each in secret) not in text
    # The log is one in which they could have been.
    assert text.count('"upstream_ms":') > 100
    assert '"method":"GET","path":"/api/sk_***' in text
    assert '"method":"GET","path":"/api/a/ak_***/b' in text
    assert " DEBUG " in text
