"""`/oauth/*` and `/platform/connections`: the accounts that a platform's customers pay to."""

from __future__ import annotations

from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
    InvalidCodeError,
    NotFoundError,
)
from dream_gateway.model import Actor, Mode, Role
from dream_gateway.records import accounts
from dream_gateway.records.connect_states import Way
from dream_gateway.service.authentication import DEVELOPERS, Auth
from dream_gateway.service.connection_shapes import (
    CallbackQuery,
    CallbackRequest,
    ConnectAnswer,
    ConnectionList,
    ConnectionView,
    ConnectRequest,
    OnboardingAnswer,
    OnboardingRequest,
)
from dream_gateway.service.failures import READ
from dream_gateway.service.fields import PLATFORM_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant

if TYPE_CHECKING:
    from dream_gateway.billing.connections import Connections
    from dream_gateway.billing.engine import Engine
    from dream_gateway.clock import Clock
    from dream_gateway.http.asgi import Headers
    from dream_gateway.records.accounts import Connected
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory
    from dream_gateway.settings import Settings

CALLBACK = "/oauth/callback"
PATH = "/platform/connections"
ONE = PATH + "/{mode}"
COOKIE = "dg_connect"
"""Holds the state in the browser that began: no other can end it."""

FAILURES = (
    *READ,
    ConflictError,
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
)
SEE_OTHER = 303


class ConnectionRoutes:
    """Connects, shows and disconnects accounts. Where the money goes is an owner's to say."""

    def __init__(
        self, directory: Directory, clock: Clock, billing: Engine | None, settings: Settings
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._billing = billing
        self._settings = settings

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/oauth/authorize",
                "Begin to connect an account that the developer has",
                self.authorize,
                ConnectAnswer,
                auth=frozenset({Auth.PLATFORM}),
                least=Role.OWNER,
                request=ConnectRequest,
                fields=(PLATFORM_ID,),
                errors=FAILURES,
            ),
            Operation(
                "GET",
                CALLBACK,
                "End it in the browser that began it",
                self.arrive,
                ConnectionView,
                query=CallbackQuery,
                also=(SEE_OTHER,),
                errors=(*FAILURES, InvalidCodeError),
            ),
            Operation(
                "POST",
                CALLBACK,
                "End it with the token of the developer who began it",
                self.finish,
                ConnectionView,
                auth=frozenset({Auth.PLATFORM}),
                least=Role.OWNER,
                request=CallbackRequest,
                fields=(PLATFORM_ID,),
                errors=(*FAILURES, InvalidCodeError),
            ),
            *self._of_a_platform(),
        )

    def _of_a_platform(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "GET",
                PATH,
                "Show the platform's accounts",
                self.show_all,
                ConnectionList,
                auth=DEVELOPERS,
                fields=(PLATFORM_ID,),
                errors=READ,
            ),
            Operation(
                "POST",
                ONE + "/onboarding",
                "Make an account for a developer who has none, or go on with theirs",
                self.onboard,
                OnboardingAnswer,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=OnboardingRequest,
                fields=(PLATFORM_ID,),
                errors=FAILURES,
            ),
            Operation(
                "POST",
                ONE + "/refresh",
                "Ask the provider how the account is",
                self.refresh,
                ConnectionView,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                fields=(PLATFORM_ID,),
                errors=FAILURES,
            ),
            Operation(
                "DELETE",
                ONE,
                "Disconnect the account; what is known of it stays",
                self.disconnect,
                None,
                auth=DEVELOPERS,
                least=Role.OWNER,
                fields=(PLATFORM_ID,),
                errors=FAILURES,
            ),
        )

    async def authorize(self, call: Call) -> Answer:
        """Tell where to go, and leave the state in the browser."""
        asked: ConnectRequest = call.body
        known, connections = call.known, self._connections()
        assert known.developer is not None  # noqa: S101 # nobody else is let in
        then = asked.return_url or connections.frontend_url or ""
        way = Way(known.business.id, known.developer.id, Mode(asked.mode), then)
        back = asked.redirect_url or self._settings.service_base + CALLBACK
        begun = await connections.begin(way, back, call.actor)
        secure = "; Secure" if back.startswith("https:") else ""
        cookie = (
            f"{COOKIE}={begun.state}; Path={CALLBACK}; Max-Age={begun.expires_in:.0f}; "
            f"HttpOnly; SameSite=Lax{secure}"
        )
        expires_at = instant(self._clock.now() + begun.expires_in)
        return Answer(
            ConnectAnswer(url=begun.url, state=begun.state, expires_at=expires_at),
            headers=[(b"set-cookie", cookie.encode("ascii"))],
        )

    async def arrive(self, call: Call) -> Answer:
        """Connect an account in the browser that began it, and send it on."""
        query: CallbackQuery = call.query
        connections = self._connections()
        if not compare_digest(_cookie(call).encode(), query.state.encode()):
            raise InvalidCodeError
        way = await connections.end(query.state)
        if query.code is None:
            if not way.return_url:
                raise InvalidCodeError("The account was not connected.")
            return Answer(None, status=SEE_OTHER, headers=_on(way, error=query.error or "none"))
        actor = Actor(way.developer_id, call.request_id.decode("ascii", "replace"))
        connected = (await connections.connect(way, query.code, actor)).connected
        if not way.return_url:
            return Answer(connection_view(connected), headers=[_forgotten()])
        return Answer(None, status=SEE_OTHER, headers=_on(way, connected=way.mode))

    async def finish(self, call: Call) -> Answer:
        """Connect an account for the developer who began it."""
        asked: CallbackRequest = call.body
        known, connections = call.known, self._connections()
        assert known.developer is not None  # noqa: S101 # nobody else is let in
        way = await connections.end(asked.state)
        if (way.platform_id, way.developer_id) != (known.business.id, known.developer.id):
            raise InvalidCodeError
        arrival = await connections.connect(way, asked.code, call.actor)
        return Answer(connection_view(arrival.connected))

    async def show_all(self, call: Call) -> Answer:
        """Show the platform's accounts as they are known here."""
        async with self._directory.read() as reading:
            found = [
                await accounts.of_platform(reading.connection, call.known.business.id, mode)
                for mode in Mode
            ]
        views = [connection_view(each) for each in found if each is not None]
        return Answer(ConnectionList(connections=views))

    async def onboard(self, call: Call) -> Answer:
        """Tell where the developer completes an account."""
        asked: OnboardingRequest = call.body
        page = await self._connections().onboard(
            call.known.business.id, _mode(call), asked.return_url, asked.refresh_url, call.actor
        )
        return Answer(
            OnboardingAnswer(
                account_id=page.account_id, url=page.url, expires_at=instant(page.expires_at)
            )
        )

    async def refresh(self, call: Call) -> Answer:
        """Show an account as the provider has it."""
        connections, mode = self._connections(), _mode(call)
        found = await connections.refresh(call.known.business.id, mode, call.actor)
        return Answer(connection_view(found))

    async def disconnect(self, call: Call) -> Answer:
        """Disconnect an account."""
        connections, mode = self._connections(), _mode(call)
        await connections.disconnect(call.known.business.id, mode, call.actor)
        return Answer(None)

    def _connections(self) -> Connections:
        if self._billing is None:
            raise BillingNotConfiguredError
        return self._billing.connections


def connection_view(connected: Connected) -> ConnectionView:
    """Return an account as callers see it."""
    return ConnectionView(
        mode=Mode.LIVE if connected.account.live else Mode.TEST,
        account_id=connected.account.id or "",
        status=connected.status.value,
        charges=connected.charges,
        changed_at=instant(connected.changed_at),
    )


def _mode(call: Call) -> Mode:
    try:
        return Mode(call.parameters["mode"])
    except ValueError as exc:
        raise NotFoundError("There is no such mode: test or live.") from exc


def _cookie(call: Call) -> str:
    try:
        found = SimpleCookie(call.text(b"cookie") or "").get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _on(way: Way, **more: str) -> Headers:
    """Return the fields that send a browser on, and have it forget the state."""
    parts = urlsplit(way.return_url)
    query = "&".join(filter(None, [parts.query, urlencode(more)]))
    url = urlunsplit(parts._replace(query=query))
    return [(b"content-length", b"0"), (b"location", url.encode("ascii")), _forgotten()]


def _forgotten() -> tuple[bytes, bytes]:
    return (b"set-cookie", f"{COOKIE}=; Path={CALLBACK}; Max-Age=0; HttpOnly".encode())
