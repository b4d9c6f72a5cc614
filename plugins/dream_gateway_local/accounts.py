"""Queries about accounts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from dream_gateway_local import secret
from dream_gateway_local.tables import accounts

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Writing


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in to one realm. `password` is a hash."""

    id: str
    realm: str
    email: str
    email_verified: bool
    password: str
    first_name: str | None
    last_name: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to create. `password` is a hash already."""

    realm: str
    email: str
    password: str
    first_name: str | None = None
    last_name: str | None = None
    email_verified: bool = False


def email_key(email: str) -> str:
    """Return what two spellings of one address have in common: no case, one Unicode form."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


async def named(connection: AsyncConnection, realm: str, email: str) -> Account | None:
    """Return the account that has an address."""
    here = (accounts.c.realm == realm) & (accounts.c.email_key == email_key(email))
    return await _one(connection, here)


async def by_id(connection: AsyncConnection, account_id: str) -> Account | None:
    """Return an account by id."""
    return await _one(connection, accounts.c.id == account_id)


async def add(writer: Writing, new: NewAccount) -> Account:
    """Create an account. The address must not be taken."""
    account = Account(
        id=secret.mint_id("usr"),
        realm=new.realm,
        email=new.email.strip(),
        email_verified=new.email_verified,
        password=new.password,
        first_name=new.first_name,
        last_name=new.last_name,
        created_at=writer.now,
    )
    row: dict[str, object] = {name: getattr(account, name) for name in Account.__slots__}
    row["email_key"] = email_key(new.email)
    await writer.connection.execute(insert(accounts).values(row))
    return account


async def change(writer: Writing, account_id: str, **values: object) -> None:
    """Store new values of an account's columns."""
    await writer.connection.execute(
        update(accounts).where(accounts.c.id == account_id).values(**values)
    )


async def remove(writer: Writing, account_id: str) -> None:
    """Delete an account with its sessions and tickets; nobody is there the second time."""
    await writer.connection.execute(delete(accounts).where(accounts.c.id == account_id))


def account_of(row: RowMapping) -> Account:
    """Return the account that a row holds, among other columns maybe."""
    values: dict[str, Any] = {name: row[name] for name in Account.__slots__}
    return Account(**values)


async def _one(connection: AsyncConnection, here: ColumnElement[bool]) -> Account | None:
    row = (await connection.execute(select(accounts).where(here))).mappings().first()
    return None if row is None else account_of(row)
