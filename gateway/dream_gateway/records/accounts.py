"""Queries about developers' accounts at the payment provider: one for each platform and mode."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from dream_gateway import keys
from dream_gateway.errors import ConflictError
from dream_gateway.model import Mode
from dream_gateway.payments import Account
from dream_gateway.records import subscriptions
from dream_gateway.records.schema import stripe_tokens

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.payments import AccountState
    from dream_gateway.records.database import Writer


class AccountStatus(StrEnum):
    """Whether the gateway may act for an account; what is known of one it may not is kept."""

    ACTIVE = "active"
    ONBOARDING = "onboarding"
    DEAUTHORIZED = "deauthorized"


class Connected(NamedTuple):
    """A platform's account in one mode. Without `charges` it cannot take money yet.

    `changed_at` is when it was connected, or came to be able to take money.
    """

    platform_id: str
    account: Account
    status: AccountStatus
    charges: bool
    changed_at: float

    @property
    def sells(self) -> bool:
        """Whether customers can pay there."""
        return self.status is AccountStatus.ACTIVE and self.charges


async def of_platform(
    connection: AsyncConnection, platform_id: str, mode: Mode
) -> Connected | None:
    """Return a platform's account in a mode, one that is deauthorized too."""
    tokens = stripe_tokens.c
    query = select(stripe_tokens).where(tokens.platform_id == platform_id, tokens.mode == mode)
    found = await _all(connection, query)
    return found[0] if found else None


async def owners(connection: AsyncConnection, account: Account) -> list[Connected]:
    """Return whose an account is: several platforms of one developer may share it."""
    return await _all(connection, select(stripe_tokens).where(_here(account)))


async def acting(connection: AsyncConnection) -> list[Account]:
    """Return every account that the gateway may act for."""
    gone = stripe_tokens.c.status == AccountStatus.DEAUTHORIZED
    found = await _all(connection, select(stripe_tokens).where(~gone))
    return sorted({each.account for each in found}, key=lambda a: (a.id or "", a.live))


async def connect(
    writer: Writer, platform_id: str, mode: Mode, state: AccountState, status: AccountStatus
) -> Connected:
    """Note the account that is a platform's in a mode. Raises `ConflictError` beside another one."""
    old = await of_platform(writer.connection, platform_id, mode)
    account, gone = Account(state.id, mode is Mode.LIVE), AccountStatus.DEAUTHORIZED
    if old is not None and old.account != account and old.status is not gone:
        raise ConflictError("Another account is connected: disconnect that one first.")
    values: dict[str, object] = {
        "account_id": state.id,
        "scope": state.scope,
        "access_token": None,
        "refresh_token": None,
        "status": status,
        "charges": state.charges,
        "changed_at": writer.now,
    }
    here = (stripe_tokens.c.platform_id == platform_id) & (stripe_tokens.c.mode == mode)
    if old is None:
        own = {"id": keys.mint_id("stk"), "platform_id": platform_id, "mode": mode}
        row = {**own, **values, "created_at": writer.now}
        await writer.connection.execute(insert(stripe_tokens).values(row))
    else:
        await writer.connection.execute(update(stripe_tokens).where(here).values(values))
    details = {"account": state.id, "mode": mode, "status": status}
    await subscriptions.ask_all(writer, account)
    await writer.audit("account.connect", state.id, details, platform=platform_id)
    found = await _all(writer.connection, select(stripe_tokens).where(here))
    return found[0]


async def disconnect(writer: Writer, platform_id: str, mode: Mode) -> None:
    """Note that a platform has no account in a mode any more; others who share it keep it."""
    here = (stripe_tokens.c.platform_id == platform_id) & (stripe_tokens.c.mode == mode)
    values = {
        "status": AccountStatus.DEAUTHORIZED,
        "charges": False,
        "access_token": None,
        "refresh_token": None,
        "changed_at": writer.now,
    }
    await writer.connection.execute(update(stripe_tokens).where(here).values(values))
    await writer.audit("account.disconnect", platform_id, {"mode": mode}, platform=platform_id)


async def deauthorize(writer: Writer, account: Account) -> list[Connected]:
    """Note that the gateway may not act for an account any more; return whom that concerns now."""
    gone = AccountStatus.DEAUTHORIZED
    concerned = [
        each for each in await owners(writer.connection, account) if each.status is not gone
    ]
    values = {"status": gone, "charges": False, "changed_at": writer.now}
    await writer.connection.execute(update(stripe_tokens).where(_here(account)).values(values))
    for each in concerned:
        details = {"account": account.id, "live": account.live}
        await writer.audit(
            "account.deauthorize", account.id or "", details, platform=each.platform_id
        )
    return concerned


async def set_charges(writer: Writer, account: Account, *, charges: bool) -> None:
    """Note whether an account can take money; one that can is not being onboarded any more."""
    here = _here(account) & (stripe_tokens.c.status != AccountStatus.DEAUTHORIZED)
    values: dict[str, object] = {"charges": charges, "changed_at": writer.now}
    if charges:
        values["status"] = AccountStatus.ACTIVE
    changed = stripe_tokens.c.charges != charges
    await writer.connection.execute(update(stripe_tokens).where(here & changed).values(values))


def _here(account: Account) -> ColumnElement[bool]:
    mode = Mode.LIVE if account.live else Mode.TEST
    return (stripe_tokens.c.account_id == account.id) & (stripe_tokens.c.mode == mode)


async def _all(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> list[Connected]:
    rows = (await connection.execute(query.order_by(stripe_tokens.c.created_at))).mappings()
    return [
        Connected(
            row["platform_id"],
            Account(row["account_id"], row["mode"] == Mode.LIVE),
            AccountStatus(row["status"]),
            bool(row["charges"]),
            row["changed_at"],
        )
        for row in rows
    ]
