"""Every hook a plugin may implement. All of them are called at start-up, never per request.

A hook registers objects; the gateway then calls those objects directly. `None` means "not mine".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    import click
    import msgspec

    from dream_gateway.facilities import Facilities, Mailer
    from dream_gateway.model import Project
    from dream_gateway.payments import Billing

PROJECT_NAME = "dream_gateway"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class VerdictObserver(Protocol):
    """Sees every verdict of the edge, on the event loop: must not block, and must not raise."""

    def observe(self, *, project: str, customer: str, code: str, cost: int) -> None:
        """Take note of one verdict; `code` is `allowed` or the code of the refusal."""
        ...


class RequestCost(Protocol):
    """Prices a proxied request, on the event loop: must not block."""

    def cost(self, *, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> int | None:
        """Return the request's cost in units, 0 or more; `None` leaves it to the route."""
        ...


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom a verified token names. `subject` is unique for its `issuer`, and for nobody else.

    `tenant` is the token's `publishableKey` claim. The plan that a token may claim is nobody's
    business. `expires_at` is until when the token holds, in seconds since the epoch, and what is said
    of it is remembered; `None`: for a minute.
    """

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    tenant: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    expires_at: float | None = None


class Identity(Protocol):
    """Tells whom a token names. One that has an async `aclose()` is closed with the gateway."""

    async def verify(self, token: str) -> Identified | None:
        """Return whom the token names; `None` if it is not of this kind.

        The issuer is that of the settings, never what the token says. Raises
        `InvalidCredentialError` for a token of this kind that does not hold, and
        `IdentityUnavailableError` if that cannot be told right now.
        """
        ...


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to create at the identity provider; `tenant` is the project's publishable key."""

    email: str
    password: str
    tenant: str
    first_name: str | None = None
    last_name: str | None = None


class UserAdministration(Protocol):
    """Keeps the users of one issuer. Closed as an `Identity` is.

    Each method raises `IdentityUnavailableError` if the provider is out of reach.
    """

    async def create(self, user: NewUser) -> Identified:
        """Create a user.

        Raises `ConflictError` if the address is taken, `InvalidRequestError` for what the provider
        does not take, such as a weak password.
        """
        ...

    async def find(self, email: str) -> Identified | None:
        """Return the user who has this address."""
        ...

    async def delete(self, subject: str) -> None:
        """Delete a user; nobody is there to delete the second time."""
        ...

    async def invite(self, email: str, tenant: str) -> None:
        """Send somebody the provider's invitation. Raises `ConflictError` for one who is there."""
        ...


@dataclass(frozen=True, slots=True)
class UserChange:
    """What became of a user at their provider. `id` is the same each time it is told.

    `at` is when it happened, in seconds since the epoch: changes come in any order. `email` and the
    names are theirs since then; of a user who is `deleted` they say nothing.
    """

    id: str
    issuer: str
    subject: str
    at: float
    deleted: bool = False
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class UserWebhook(Protocol):
    """Reads what an identity provider posts to `/webhook/{name}`."""

    name: str

    def read(self, headers: Mapping[str, str], body: bytes) -> UserChange | None:
        """Return what is told of a user, `None` for other news. Names of `headers` are lower-case.

        Raises `InvalidCredentialError` if it is not the provider's, `InvalidRequestError` if it
        cannot be read.
        """
        ...


class Site(Protocol):
    """Pages and routes of a plugin's own on the service's listener: an ASGI application.

    `prefixes` are the whole path segments it answers below. What it raises is answered as a problem,
    so it must not raise once it has begun to answer. A request's body is never over a mebibyte.
    """

    @property
    def prefixes(self) -> Sequence[str]:
        """Return what its paths begin with, such as `/auth`; no other route is there."""
        ...

    async def open(self, facilities: Facilities) -> None:
        """Get ready, before the first request. Raises an `OperatorError` if it cannot serve."""
        ...

    async def aclose(self) -> None:
        """Release everything. Safe to call twice, and without `open`."""
        ...

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one HTTP request; `scope["client"]` is who really asked."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be traced: without its query, and of its fields, `Host` and those of traces.

    `path` is decoded, and may hold what it should not, such as a key. `route` is what it was matched by,
    such as `/api/keys/{keyId}`, or `/v1/*` for a route of the edge; `None` if there is nothing there.
    `host` is the caller's word. `client` is the address of who really asks, `peer` that of who is
    connected.
    """

    method: str
    path: str
    route: str | None
    scheme: str
    version: str
    host: str | None
    client: str | None
    peer: str | None
    traceparent: bytes | None
    tracestate: bytes | None


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of a traced request. `status` is `None` where no whole answer was written.

    `code` is `allowed`, the code of the error, or `client_gone`; `None` for what is no error, and was
    not admitted either. `project` is its id. What is `None` is not known there. `upstream` is the URL of
    the upstream that was asked last, without its query; `None`: none was.
    """

    status: int | None
    code: str | None
    project: str | None
    cost: int | None
    request_id: str
    upstream: str | None


class Trace(Protocol):
    """One traced request, on the event loop: nothing here may block, or raise."""

    def upstream(self) -> Sequence[tuple[bytes, bytes]]:
        """Take note that the upstream is asked; return the fields that tell it of the trace."""
        ...

    def answered(self, status: int, upstream: str) -> None:
        """Take note that the upstream's answer begins; `upstream` is its URL, without the query."""
        ...

    def end(self, traced: Traced) -> None:
        """Take note of the end. Called once. If the status is 101, a WebSocket is open from here on."""
        ...

    def closed(self, by: str) -> None:
        """Take note that `client`, `upstream` or `gateway` ended the WebSocket. Called once."""
        ...


class Tracer(Protocol):
    """Traces requests (W3C Trace Context 2)."""

    @property
    def per_second(self) -> float:
        """Return how many requests a second to trace whose callers say nothing of traces; 0: none.

        So many on either listener.
        """
        ...

    def begin(self, asked: Asked) -> Trace | None:
        """Begin a trace, as a part of the caller's if there is one; `None`: not this one."""
        ...


class Exporter(Protocol):
    """Sends on what a worker measures, beside the requests."""

    async def open(self, facilities: Facilities) -> None:
        """Begin, before the first request. Raises an `OperatorError` if it cannot."""
        ...

    async def aclose(self) -> None:
        """Send the rest, and release everything. Safe to call twice, and without `open`."""
        ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An access token, until when it holds (seconds since the epoch), and whose it is."""

    token: str
    expires_at: float
    subject: str
    email: str


class CodeExchange(Protocol):
    """Gives the token for a one-time code that a sign-in ended with."""

    async def exchange(self, project: Project, code: str, redirect_url: str | None) -> SignedIn:
        """Return the token, once. A `redirect_url` must be the one that the code was sent to.

        Raises `InvalidCodeError` for any other code: unknown, used, expired, another project's.
        """
        ...


class DeveloperSignIn(Protocol):
    """Signs platform developers in to the dashboard, on their identity provider's own pages.

    The dashboard sends the browser to `url`, and the provider sends it back to the return address
    with parameters, of which `finish` makes who it is.
    """

    @property
    def name(self) -> str:
        """Return its name in addresses: a word that no other has."""
        ...

    @property
    def label(self) -> str:
        """Return what people know it as, to follow the words "Sign in with"."""
        ...

    async def url(self, return_url: str, state: str, secret: str, *, sign_up: bool) -> str:
        """Return where to send a browser to sign in, or up; it comes back with `state` as it is.

        `secret` is random and stays in that browser's cookie: what proves later that it is the same
        browser (PKCE, a nonce) is to be derived from it. Raises `IdentityUnavailableError`.
        """
        ...

    async def finish(
        self, parameters: Mapping[str, str], return_url: str, secret: str
    ) -> Identified:
        """Return who came back with these parameters; `secret` and the address are the same again.

        Raises `InvalidCodeError` for parameters that do not hold, used ones too, and
        `IdentityUnavailableError`.
        """
        ...


@runtime_checkable
class SignOut(Protocol):
    """A `DeveloperSignIn` with a session of its own in the browser, that ends with the dashboard's."""

    async def sign_out(self, cookies: Mapping[str, str]) -> None:
        """End the session of a browser with these cookies; one that is not there is no error."""
        ...


Settings = Any
"""A plugin's own settings: its `settings_type`, or the `[plugins.NAME]` table if it declares none."""


class HookSpecs:
    """The specifications. `settings` is the plugin's own: see `Settings`."""

    @hookspec
    def settings_type(self) -> type[msgspec.Struct]:
        """Return the `msgspec.Struct` that the plugin's settings are; asked before any other hook.

        A field is a setting: its type with its bounds, its default unless it must be set, and its help
        (`msgspec.Meta(description=...)`). A value that does not fit is a `ConfigurationError` at
        the start. What is marked `secret` (`Meta(extra={"secret": True})`) is never shown.
        """
        raise NotImplementedError

    @hookspec
    def verdict_observers(self, settings: Settings) -> Sequence[VerdictObserver]:
        """Return objects that see every verdict of the edge."""
        raise NotImplementedError

    @hookspec
    def request_costs(self, settings: Settings) -> Sequence[RequestCost]:
        """Return objects that price proxied requests; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def identities(self, settings: Settings) -> Sequence[Identity]:
        """Return verifiers of end users' tokens; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def developer_identities(self, settings: Settings) -> Sequence[Identity]:
        """Return verifiers of platform developers' tokens; the first that answers wins."""
        raise NotImplementedError

    @hookspec
    def user_administrations(self, settings: Settings) -> Sequence[UserAdministration]:
        """Return who can create end users; the first is asked."""
        raise NotImplementedError

    @hookspec
    def user_webhooks(self, settings: Settings) -> Sequence[UserWebhook]:
        """Return readers of what identity providers tell of end users."""
        raise NotImplementedError

    @hookspec
    def billings(self, settings: Settings) -> Sequence[Billing]:
        """Return who takes customers' money; the first one does."""
        raise NotImplementedError

    @hookspec
    def mailers(self, settings: Settings) -> Sequence[Mailer]:
        """Return what sends mail; the first one does."""
        raise NotImplementedError

    @hookspec
    def sites(self, settings: Settings) -> Sequence[Site]:
        """Return what the service's listener serves beside its own routes."""
        raise NotImplementedError

    @hookspec
    def exporters(self, settings: Settings) -> Sequence[Exporter]:
        """Return what sends on the gateway's measurements, all of them."""
        raise NotImplementedError

    @hookspec
    def tracers(self, settings: Settings) -> Sequence[Tracer]:
        """Return who traces requests; the first one does."""
        raise NotImplementedError

    @hookspec
    def code_exchanges(self, settings: Settings) -> Sequence[CodeExchange]:
        """Return who takes the codes of `POST /api/auth/exchange`; the first one does."""
        raise NotImplementedError

    @hookspec
    def developer_sign_ins(self, settings: Settings) -> Sequence[DeveloperSignIn]:
        """Return who signs developers in to the dashboard; the page offers each."""
        raise NotImplementedError

    @hookspec
    def commands(self, settings: Settings) -> Sequence[click.Command]:
        """Return commands to add to `dream-gateway`."""
        raise NotImplementedError
