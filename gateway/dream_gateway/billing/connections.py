"""Connects developers' accounts at the provider: one that they have, by OAuth, or a new one.

The way there and back is bound to the developer who began it, is open for ten minutes, and ends
once. No token of the provider's is kept: the operator's key acts for the account.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway import keys
from dream_gateway.errors import BillingAccountError, InvalidCodeError
from dream_gateway.model import Mode
from dream_gateway.payments import AccountState
from dream_gateway.records import accounts, connect_states, pushes
from dream_gateway.records.accounts import AccountStatus

if TYPE_CHECKING:
    from dream_gateway.model import Actor
    from dream_gateway.payments import Account, Billing, Onboarding
    from dream_gateway.records.accounts import Connected
    from dream_gateway.records.connect_states import Way
    from dream_gateway.records.database import Records

STATE_SECONDS = 600.0
STATE_BYTES = 32


class Departure(NamedTuple):
    """Where a developer goes to connect an account, and what they have to come back with."""

    url: str
    state: str
    expires_in: float


class Arrival(NamedTuple):
    """The way that ended, and the account that is connected by it."""

    way: Way
    connected: Connected


class Connections:
    """No transaction is open while the provider is asked."""

    def __init__(self, provider: Billing, records: Records) -> None:
        self._provider = provider
        self._records = records

    @property
    def frontend_url(self) -> str | None:
        """Where developers come back to from the provider, unless they say where."""
        return self._provider.frontend_url

    async def begin(self, way: Way, redirect_url: str, actor: Actor) -> Departure:
        """Begin to connect an account that a developer has.

        Raises `BillingNotConfiguredError` if the provider is not set up for that.
        """
        state = secrets.token_urlsafe(STATE_BYTES)
        url = self._provider.connect_url(state, redirect_url, live=way.mode is Mode.LIVE)
        async with self._records.write(actor) as writer:
            await connect_states.begin(writer, state, way, STATE_SECONDS)
        return Departure(url, state, STATE_SECONDS)

    async def end(self, state: str) -> Way:
        """Take a state, once. Raises `InvalidCodeError` for any other."""
        async with self._records.write("connect") as writer:
            way = await connect_states.end(writer, state)
        if way is None:
            raise InvalidCodeError
        return way

    async def connect(self, way: Way, code: str, actor: Actor) -> Arrival:
        """Connect the account of a code that the provider gave at the end of a way.

        Raises `InvalidCodeError`, `ConflictError` beside another account, `BillingUnavailableError`.
        """
        found = await self._provider.connect(code, live=way.mode is Mode.LIVE)
        return Arrival(way, await self._store(way.platform_id, way.mode, found, actor))

    async def onboard(
        self, platform_id: str, mode: Mode, return_url: str, refresh_url: str, actor: Actor
    ) -> Onboarding:
        """Have a developer who has no account make one, or go on with theirs."""
        live = mode is Mode.LIVE
        old = await self._known(platform_id, mode)
        gone = old is None or old.status is AccountStatus.DEAUTHORIZED
        known = None if old is None or gone else old.account.id
        # Who disconnected one and comes again gets another; who asks twice, the same.
        before = "" if old is None else old.account.id or ""
        key = keys.id_from("onb", platform_id, mode, before)
        page = await self._provider.onboard(known, key, return_url, refresh_url, live=live)
        if gone:
            state = AccountState(page.account_id, charges=False, details_submitted=False)
            await self._store(platform_id, mode, state, actor, AccountStatus.ONBOARDING)
        return page

    async def refresh(self, platform_id: str, mode: Mode, actor: Actor) -> Connected:
        """Ask how an account is at the provider. Raises `BillingAccountError` if there is none."""
        old = await self._acting(platform_id, mode)
        try:
            state = await self._provider.account(old.account)
        except BillingAccountError:
            async with self._records.write(actor) as writer:
                await accounts.deauthorize(writer, old.account)
            raise
        waits = old.status is AccountStatus.ONBOARDING and not state.charges
        status = AccountStatus.ONBOARDING if waits else AccountStatus.ACTIVE
        if (old.status, old.charges) == (status, state.charges):
            return old
        return await self._store(platform_id, mode, state, actor, status)

    async def disconnect(self, platform_id: str, mode: Mode, actor: Actor) -> None:
        """Act for a platform's account no longer.

        The provider is told unless another platform has the account, too.
        """
        old = await self._acting(platform_id, mode)
        if not await self._shared(old.account, platform_id):
            await self._provider.disconnect(old.account)
        async with self._records.write(actor) as writer:
            await accounts.disconnect(writer, platform_id, mode)

    async def _store(
        self,
        platform_id: str,
        mode: Mode,
        state: AccountState,
        actor: Actor,
        status: AccountStatus = AccountStatus.ACTIVE,
    ) -> Connected:
        async with self._records.write(actor) as writer:
            connected = await accounts.connect(writer, platform_id, mode, state, status)
            await pushes.touch_all(writer, platform_id, mode)
        return connected

    async def _known(self, platform_id: str, mode: Mode) -> Connected | None:
        async with self._records.read() as connection:
            return await accounts.of_platform(connection, platform_id, mode)

    async def _acting(self, platform_id: str, mode: Mode) -> Connected:
        found = await self._known(platform_id, mode)
        if found is None or found.status is AccountStatus.DEAUTHORIZED:
            raise BillingAccountError
        return found

    async def _shared(self, account: Account, platform_id: str) -> bool:
        async with self._records.read() as connection:
            owners = await accounts.owners(connection, account)
        return any(
            each.platform_id != platform_id and each.status is not AccountStatus.DEAUTHORIZED
            for each in owners
        )
