"""Clerk: its settings, the category of its tokens, its users, and what it tells of them."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from clerk_backend_api import models
from standardwebhooks import Webhook
from tests.oidc.clerk_api import SECRET_KEY, ProblemError, strict
from tests.oidc.test_sign_in import BACK, CLIENT, Desk

from dream_gateway.errors import (
    ConfigurationError,
    ConflictError,
    IdentityUnavailableError,
    InvalidCredentialError,
    InvalidRequestError,
)
from dream_gateway.hookspecs import Identified, NewUser, UserChange
from dream_gateway.plugins import Plugins
from dream_gateway_oidc.clerk import ClerkApplications, app, client_of, faults
from dream_gateway_oidc.clerk_users import ClerkUsers
from dream_gateway_oidc.clerk_webhook import TOLERANCE_SECONDS, ClerkWebhook
from dream_gateway_oidc.plugin import sign_in, verifier
from dream_gateway_oidc.settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.oidc.clerk_api import ClerkApi
    from tests.oidc.conftest import Issuer

    from dream_gateway.testing import FakeClock

HOST = "clerk.example.com"
PUBLISHABLE = "pk_test_" + b64encode(f"{HOST}$".encode()).decode().rstrip("=")
SECRETS = ["whsec_" + b64encode(bytes([n]) * 24).decode() for n in range(2)]
ADA = NewUser("ada@example.com", "correct horse", "pk_test_1", first_name="Ada")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLISHABLE_KEY", "SECRET_KEY", "WEBHOOK_SECRET", "DEVELOPERS_PUBLISHABLE_KEY"):
        monkeypatch.delenv(f"CLERK_{name}", raising=False)


class TestSettings:
    def test_the_issuer_is_in_the_publishable_key(self) -> None:
        found = app(ClerkApplications(users={"publishable_key": PUBLISHABLE}), "users")
        assert found is not None
        assert found.issuer == f"https://{HOST}"

    def test_the_environment_says_what_the_file_does_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_PUBLISHABLE_KEY", PUBLISHABLE)
        monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_env")
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", SECRETS[0])
        plugins = Plugins({"clerk": {}})
        assert len(plugins.identities()) == len(plugins.user_administrations()) == 1
        assert [each.name for each in plugins.user_webhooks()] == ["clerk"]
        assert plugins.developer_identities() == ()
        own = app(ClerkApplications(users={"secret_key": "sk_test_file"}), "users")
        assert own is not None
        assert own.secret_key == "sk_test_file"

    def test_developers_are_another_application(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLERK_DEVELOPERS_PUBLISHABLE_KEY", PUBLISHABLE)
        plugins = Plugins({"clerk": {"developers": {}}})
        assert (len(plugins.identities()), len(plugins.developer_identities())) == (0, 1)

    def test_what_is_not_there_is_not_offered(self) -> None:
        plugins = Plugins({"clerk": {"users": {"publishable_key": PUBLISHABLE}}})
        assert plugins.user_administrations() == ()
        assert plugins.user_webhooks() == ()

    @pytest.mark.parametrize(
        ("table", "told"),
        [
            ({}, "CLERK_PUBLISHABLE_KEY"),
            ({"publishable_key": "pk_test_"}, "not one of Clerk's"),
            ({"publishable_key": PUBLISHABLE[8:]}, "not one of Clerk's"),
            ({"publishable_key": "pk_test_%%%"}, "not one of Clerk's"),
            ({"publishable_key": "pk_test_" + b64encode(b"no dollar").decode()}, "not one of"),
            ({"publishable_key": PUBLISHABLE, "api_url": "http://example.com"}, "api_url"),
            ({"publishable_key": PUBLISHABLE, "jwks_uri": "x"}, "jwks_uri"),
            ({"publishable_key": PUBLISHABLE, "secret": "x"}, "unknown field"),
        ],
    )
    def test_what_cannot_work_is_told(self, table: dict[str, Any], told: str) -> None:
        with pytest.raises(ConfigurationError, match=told):
            Plugins({"clerk": {"users": table}}).identities()

    def test_a_webhook_secret_that_is_none(self) -> None:
        table = {"publishable_key": PUBLISHABLE, "webhook_secret": "whsec_%"}
        with pytest.raises(ConfigurationError, match="webhook_secret"):
            Plugins({"clerk": {"users": table}}).user_webhooks()


@pytest.mark.parametrize(
    ("category", "holds"),
    [
        ("cl_B7d4PD111AAA", True),
        ("cl_B7d4PD222AAA", True),
        ("cl_I7d4PD111III", True),
        ("cl_B7d4PD333AAA", False),
        (None, False),
    ],
)
async def test_the_category_of_a_token(
    issuer: Issuer, clock: FakeClock, category: str | None, holds: bool
) -> None:
    each = verifier(ProviderSettings(issuer=issuer.url), clock, faults)
    token = issuer.token(aud=None, headers={"cat": category} if category else {})
    try:
        assert await each.verify(token) is not None
        assert holds
    except InvalidCredentialError:
        assert not holds
    finally:
        await each.aclose()


class TestUsers:
    @pytest.fixture
    async def users(self, clerk: ClerkApi) -> AsyncIterator[ClerkUsers]:
        users = ClerkUsers("https://clerk.example.com", SECRET_KEY, clerk.url)
        yield users
        await users.aclose()

    async def test_a_user_and_all_that_can_be_done_with_them(
        self, users: ClerkUsers, clerk: ClerkApi
    ) -> None:
        made = await users.create(ADA)
        assert made == Identified(
            "https://clerk.example.com",
            "user_1",
            "ada@example.com",
            email_verified=True,
            tenant="pk_test_1",
            first_name="Ada",
        )
        assert await users.find("ada@example.com") == made
        await users.set_metadata(made.subject, {"publishableKey": "pk_test_2", "plan": "pro"})
        await users.set_metadata(made.subject, {"plan": None})
        assert clerk.users["user_1"]["public_metadata"] == {"publishableKey": "pk_test_2"}
        assert await users.sign_in_token(made.subject, 60) == "ticket"
        await users.delete(made.subject)
        await users.delete(made.subject)
        assert await users.find("ada@example.com") is None
        patched = [asked.path for asked in clerk.asked if asked.method == "PATCH"]
        assert patched == ["/v1/users/user_1/metadata"] * 2

    async def test_an_invitation(self, users: ClerkUsers, clerk: ClerkApi) -> None:
        await users.invite("bob@example.com", "pk_test_1")
        with pytest.raises(ConflictError):
            await users.invite("bob@example.com", "pk_test_1")
        assert clerk.asked[0].body["public_metadata"] == {"publishableKey": "pk_test_1"}

    async def test_what_clerk_refuses(self, users: ClerkUsers, clerk: ClerkApi) -> None:
        await users.create(ADA)
        with pytest.raises(ConflictError):
            await users.create(ADA)
        with pytest.raises(InvalidRequestError, match="8 characters"):
            await users.create(NewUser("bob@example.com", "short", "pk_test_1"))
        with pytest.raises(IdentityUnavailableError):
            await users.set_metadata("user_9", {})
        clerk.away = True
        for each in (users.find("x@example.com"), users.create(ADA), users.delete("user_1")):
            with pytest.raises(IdentityUnavailableError):
                await each

    async def test_a_wrong_secret_key_and_nobody_there(self, clerk: ClerkApi) -> None:
        for url, key in ((clerk.url, "wrong"), ("http://127.0.0.1:1", SECRET_KEY)):
            users = ClerkUsers("https://clerk.example.com", key, url)
            with pytest.raises(IdentityUnavailableError):
                await users.find("ada@example.com")
            await users.aclose()

    def test_a_misspelt_field_fails(self) -> None:
        with pytest.raises(ProblemError, match="email_adress"):
            strict(models.CreateUserRequestBody, {"email_adress": ["a@example.com"]})
        with pytest.raises(ProblemError):
            strict(models.CreateUserRequestBody, {"email_address": "a@example.com"})


def event(kind: str = "user.updated", **changes: Any) -> str:
    data = {
        "id": "user_1",
        "first_name": "Ada",
        "last_name": None,
        "primary_email_address_id": "idn_2",
        "email_addresses": [
            {"id": "idn_1", "email_address": "old@example.com"},
            {"id": "idn_2", "email_address": "ada@example.com"},
        ],
        "updated_at": 1_700_000_000_000,
        **changes,
    }
    return json.dumps({"type": kind, "object": "event", "data": data})


def signed(
    body: str, at: float, secret: str = SECRETS[0], message: str = "msg_1"
) -> dict[str, str]:
    """Return the fields of a message, signed by the scheme's own library."""
    moment = datetime.fromtimestamp(at, tz=UTC)
    return {
        "svix-id": message,
        "svix-timestamp": str(int(at)),
        "svix-signature": f"v1a,other {Webhook(secret).sign(message, moment, body)}",
    }


class TestWebhook:
    @pytest.fixture
    def webhook(self, clock: FakeClock) -> ClerkWebhook:
        return ClerkWebhook("https://clerk.example.com", SECRETS, clock)

    @pytest.mark.parametrize("secret", SECRETS)
    def test_a_user_changed(self, webhook: ClerkWebhook, clock: FakeClock, secret: str) -> None:
        body = event()
        assert webhook.read(signed(body, clock.now(), secret), body.encode()) == UserChange(
            "msg_1",
            "https://clerk.example.com",
            "user_1",
            at=1_700_000_000.0,
            email="ada@example.com",
            first_name="Ada",
        )

    def test_a_user_was_deleted(self, webhook: ClerkWebhook, clock: FakeClock) -> None:
        body = json.dumps({"type": "user.deleted", "data": {"id": "user_1", "deleted": True}})
        found = webhook.read(signed(body, clock.now()), body.encode())
        assert found is not None
        assert (found.subject, found.deleted) == ("user_1", True)

    @pytest.mark.parametrize("kind", ["user.created", "session.created", "organization.deleted"])
    def test_other_news(self, webhook: ClerkWebhook, clock: FakeClock, kind: str) -> None:
        body = json.dumps({"type": kind, "data": {"anything": 1}})
        assert webhook.read(signed(body, clock.now()), body.encode()) is None

    def test_the_schemes_own_names(self, webhook: ClerkWebhook, clock: FakeClock) -> None:
        body = event()
        fields = {
            name.replace("svix-", "webhook-"): value
            for name, value in signed(body, clock.now()).items()
        }
        assert webhook.read(fields, body.encode()) is not None

    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
    @pytest.mark.parametrize("value", ["", "x", "1", "v1,", "é", "9" * 400])
    def test_fields_that_are_not_clerks(
        self, webhook: ClerkWebhook, clock: FakeClock, name: str, value: str
    ) -> None:
        body = event()
        fields = {**signed(body, clock.now()), name: value}
        with pytest.raises(InvalidCredentialError):
            webhook.read(fields, body.encode())

    def test_another_body_or_secret(self, webhook: ClerkWebhook, clock: FakeClock) -> None:
        body = event()
        other = "whsec_" + b64encode(b"another secret").decode()
        with pytest.raises(InvalidCredentialError):
            webhook.read(signed(body, clock.now()), event(id="user_2").encode())
        with pytest.raises(InvalidCredentialError):
            webhook.read(signed(body, clock.now(), other), body.encode())
        with pytest.raises(InvalidCredentialError):
            webhook.read({}, body.encode())

    @pytest.mark.parametrize("sign", [1, -1])
    def test_neither_old_nor_from_the_future(
        self, webhook: ClerkWebhook, clock: FakeClock, sign: int
    ) -> None:
        body, now = event(), int(clock.now())
        clock.advance(now - clock.now())
        near, far = now + sign * TOLERANCE_SECONDS, now + sign * (TOLERANCE_SECONDS + 1)
        assert webhook.read(signed(body, near), body.encode()) is not None
        with pytest.raises(InvalidCredentialError):
            webhook.read(signed(body, far), body.encode())

    @pytest.mark.parametrize("body", ["", "[]", '{"type": 1}', '{"type": "user.deleted"}'])
    def test_signed_nonsense(self, webhook: ClerkWebhook, clock: FakeClock, body: str) -> None:
        with pytest.raises(InvalidRequestError):
            webhook.read(signed(body, clock.now()), body.encode())


class TestDevelopersSignIn:
    async def test_it_is_that_of_any_provider_under_a_name_of_its_own(
        self, issuer: Issuer, clock: FakeClock
    ) -> None:
        desk = Desk(issuer)
        settings: dict[str, object] = {"issuer": issuer.url, "client_id": CLIENT}
        settings["client_secret"] = "s"
        found = app(ClerkApplications(developers=settings), "developers")
        assert found is not None
        way = sign_in(client_of(found), clock, name="clerk")
        assert (way.name, way.label) == ("clerk", "Clerk")
        back = desk.visit(await way.url(BACK, "a state", "a secret", sign_up=False))
        assert desk.asked["client_id"] == CLIENT
        developer = await way.finish(back, BACK, "a secret")
        assert (developer.issuer, developer.subject) == (issuer.url, "user-1")
        await way.aclose()

    async def test_it_is_there_with_a_client_and_for_developers_alone(self) -> None:
        client = {"publishable_key": PUBLISHABLE, "client_id": CLIENT}
        for tables, names in (
            ({"developers": client}, ["clerk"]),
            ({"developers": {"publishable_key": PUBLISHABLE}}, []),
            ({"users": client}, []),
        ):
            plugins = Plugins({"clerk": tables})
            ways = plugins.developer_sign_ins()
            assert [each.name for each in ways] == names
            await plugins.aclose()

    def test_its_secret_may_be_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLERK_DEVELOPERS_CLIENT_SECRET", "of the client")
        table: dict[str, object] = {"publishable_key": PUBLISHABLE, "client_id": CLIENT}
        found = app(ClerkApplications(developers=table), "developers")
        assert found is not None
        assert client_of(found).client_secret == "of the client"
