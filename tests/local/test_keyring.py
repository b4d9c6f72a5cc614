"""Signing keys: replaced in time, published before they sign and after, sealed, shared by workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from dream_gateway.errors import ConfigurationError
from dream_gateway.gateway import Gateway
from dream_gateway.settings import Settings
from dream_gateway_local.keyring import PUBLISHED_SECONDS, Keyring
from dream_gateway_local.tables import signing_keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conftest import World

HOUR = 3600.0


def ring(world: World) -> Keyring:
    """Return the keys as another worker has them."""
    return Keyring(world.site.parts.lent, "users", lasts=HOUR, token_seconds=300)


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(world: World) -> None:
    mine = ring(world)
    await mine.open()
    old = await mine.signing()
    world.clock.advance(HOUR)
    published = [key["kid"] for key in await mine.published()]
    assert len(published) == 2
    assert published[1] == old.id
    assert (await mine.signing()).id == old.id
    other = ring(world)
    await other.open()
    assert [key["kid"] for key in await other.published()] == published
    world.clock.advance(PUBLISHED_SECONDS)
    assert (await mine.signing()).id == (await other.signing()).id == published[0]
    assert await mine.find(old.id) is not None
    world.clock.advance(300 + 60)
    assert [key["kid"] for key in await mine.published()] == published[:1]


async def test_a_key_that_another_worker_made_is_found_at_once(world: World) -> None:
    mine, other = ring(world), ring(world)
    await mine.open()
    await other.open()
    world.clock.advance(HOUR)
    made = (await other.published())[0]["kid"]
    assert await mine.find(made) is not None
    assert await mine.find("made-up") is None


async def test_the_records_hold_no_private_key(world: World) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    mine = ring(world)
    await mine.open()
    key = (await mine.signing()).private
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert secret in der
    async with world.gateway.records.read() as connection:
        sealed = (await connection.execute(select(signing_keys.c.sealed))).scalars().all()
    assert len(sealed) == 3
    assert not any(secret in each for each in sealed)


async def test_without_a_key_to_seal_with_the_gateway_says_what_to_set(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/gateway.db", plugins={"local": {}})
    gateway = Gateway(settings)
    try:
        with pytest.raises(ConfigurationError, match="encryption_keys"):
            await gateway.start()
    finally:
        await gateway.close()
