"""`dream-gateway secrets`: the keys that seal secrets in the records."""

from __future__ import annotations

import asyncio

import click

from dream_gateway.administration import OPERATOR
from dream_gateway.cli.output import echo
from dream_gateway.cli.session import Session, with_session
from dream_gateway.command_stores import open_records
from dream_gateway.encryption_keys import mint_key
from dream_gateway.errors import ConfigurationError, EncryptionKeyMissingError
from dream_gateway.records.sealed import Resealing, census, reseal
from dream_gateway.vault import Vault

COLUMNS = ("column", "keyId", "rows", "isNewest")


@click.group("secrets")
def command() -> None:
    """Make encryption keys, and seal what is stored with the newest."""


@command.command("key")
@with_session()
def make(session: Session) -> None:
    """Make an encryption key for the setting encryption_keys. It is stored nowhere."""
    key = mint_key()
    if session.as_json:
        session.line({"encryptionKey": key})
    else:
        # Alone, so that a shell can put it into a variable.
        echo(key)


@command.command("list")
@with_session()
def show(session: Session) -> None:
    """List which keys seal what is stored, by their ids: a key in no line can be removed."""

    async def run() -> None:
        async with (
            open_records(session.settings, create=False) as records,
            records.read() as connection,
        ):
            found = await census(connection)
        newest = Vault(session.settings.encryption_keys).newest_id
        rows: list[dict[str, object]] = [
            {"column": column, "keyId": key_id, "rows": count, "isNewest": key_id == newest}
            for column, counts in found.items()
            for key_id, count in sorted(counts.items())
        ]
        session.show_list(rows, COLUMNS)

    asyncio.run(run())


@command.command("rotate")
@with_session()
def rotate(session: Session) -> None:
    """Seal everything with the newest key. Stopped halfway, run it again: it goes on.

    Fails if something could not be opened, having done the rest.
    """
    vault = Vault(session.settings.encryption_keys)
    if not vault.is_usable:
        raise ConfigurationError(
            "There is no key to seal with: put one (dream-gateway secrets key) before the old ones "
            "in encryption_keys."
        )

    async def run() -> Resealing:
        async with open_records(session.settings, create=False) as records:
            return await reseal(records, vault, OPERATOR)

    done = asyncio.run(run())
    session.show(
        {
            "keyId": vault.newest_id,
            "resealed": done.resealed.total(),
            "current": done.current.total(),
            "unreadable": done.unreadable,
        }
    )
    if done.unreadable:
        count = len(done.unreadable)
        raise EncryptionKeyMissingError(
            f"Secrets that cannot be opened: {count}, the first is {done.unreadable[0]}"
        )
