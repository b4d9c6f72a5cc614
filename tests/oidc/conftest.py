"""An identity provider on loopback whose keys, documents and moods the tests decide."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from tests.oidc.clerk_api import ClerkApi

from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE = "https://gateway.example.com"
TENANT = "pk_test_of_the_project"


class Keys:
    """Key pairs, made once: making them is slow."""

    def __init__(self) -> None:
        self.rsa = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
        self.ec = ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """A provider: `documents` by path, `status` for all of them, and how often each was read."""

    def __init__(self, keys: Keys, clock: FakeClock) -> None:
        self.keys = keys
        self.clock = clock
        self.read: list[str] = []
        self.status = 200
        self.documents: dict[str, object] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.answer(self)

            def log_message(self, *args: object) -> None:
                del args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.jwks_uri = f"{self.url}/keys"
        self.documents["/.well-known/openid-configuration"] = {
            "issuer": self.url,
            "jwks_uri": self.jwks_uri,
        }
        self.publish(self.rsa_jwk(0, "one"))

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.read.append(handler.path)
        document = self.documents.get(handler.path)
        body = json.dumps(document).encode()
        handler.send_response(self.status if document is not None else 404)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def publish(self, *keys: dict[str, Any]) -> None:
        """Have these keys, and no others."""
        self.documents["/keys"] = {"keys": list(keys)}

    def rsa_jwk(self, number: int, kid: str, **more: Any) -> dict[str, Any]:
        made = RSAAlgorithm.to_jwk(self.keys.rsa[number].public_key(), as_dict=True)
        return {**made, "kid": kid, "use": "sig", **more}

    def ec_jwk(self, kid: str) -> dict[str, Any]:
        made = ECAlgorithm.to_jwk(self.keys.ec.public_key(), as_dict=True)
        return {**made, "kid": kid, "use": "sig"}

    def pem(self) -> bytes:
        """Return the public key as text: what an HMAC may wrongly be checked with."""
        public = self.keys.rsa[0].public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now())
        claims = {
            "iss": self.url,
            "sub": "user-1",
            "aud": AUDIENCE,
            "exp": now + 60,
            "iat": now,
            "publishableKey": TENANT,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        key: Any = None,
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a token; a change to `None` leaves the claim out."""
        return jwt.encode(
            self.claims(**changes),
            self.keys.rsa[0] if key is None else key,
            algorithm=algorithm,
            headers={"kid": "one", **(headers or {})},
        )

    def forged(self, header: dict[str, Any], signature: bytes = b"", **changes: Any) -> str:
        """Return a token put together by hand: no library would make it."""
        parts = [json.dumps(part).encode() for part in (header, self.claims(**changes))]
        return ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature)
        )


@pytest.fixture(scope="package")
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(keys: Keys, clock: FakeClock) -> Iterator[Issuer]:
    issuer = Issuer(keys, clock)
    with running(issuer.server):
        yield issuer


@pytest.fixture
def clerk() -> Iterator[ClerkApi]:
    clerk = ClerkApi()
    with running(clerk.server):
        yield clerk


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    """Run a server in a thread; the poll only bounds how long its end takes."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
