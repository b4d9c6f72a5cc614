"""Messages in the transaction of their cause, each cause once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.notices.conftest import on_both

from dream_gateway.errors import ConflictError
from dream_gateway.model import KeyKind, Mode
from dream_gateway.records import chores, credentials, customers, messages
from dream_gateway.records.messages import MessageType

if TYPE_CHECKING:
    from tests.notices.conftest import Shop

ANYWHERE = "https://example.com/hooks"


async def test_what_is_undone_is_not_told(shop: Shop) -> None:
    await shop.endpoint(ANYWHERE)
    customer = await shop.customer("ada")

    async def tell_and_fail() -> None:
        async with shop.records.write("test") as writer:
            await messages.tell(writer, shop.project.id, "subscription.changed", "sub_1", {})
            await customers.add(writer, customer)

    with pytest.raises(ConflictError):
        await tell_and_fail()
    assert [m.kind for m in await shop.messages()] == ["customer.created"]


async def test_nothing_is_kept_where_nobody_listens(shop: Shop) -> None:
    await shop.customer("ada")
    await shop.endpoint(ANYWHERE, "key.revoked")
    await shop.customer("bob")
    assert await shop.messages() == []


@on_both
async def test_a_cause_is_told_once_though_many_tell_it_at_once(shop: Shop) -> None:
    await shop.endpoint(ANYWHERE)

    async def tell() -> str | None:
        async with shop.records.write("test") as writer:
            kind = MessageType.SUBSCRIPTION_CHANGED
            return await messages.tell(writer, shop.project.id, kind, "sub_1", {"plan": "pro"})

    told = [each for each in await asyncio.gather(*(tell() for _ in range(5))) if each]
    assert [m.id for m in await shop.messages()] == told
    (message,) = await shop.messages()
    assert len(message.dispatches) == 1
    body = msgspec.json.decode(message.payload)
    assert body["data"] == {"plan": "pro"}
    assert body["timestamp"].endswith("Z")


async def test_a_key_is_told_to_be_revoked_once(shop: Shop) -> None:
    await shop.endpoint(ANYWHERE, "key.revoked")
    async with shop.records.write("test") as writer:
        blank = credentials.template(shop.project.id, KeyKind.SECRET, writer.now)
        key, secret = await credentials.mint(writer, Mode.TEST, blank)
        revoked = await credentials.revoke(writer, key)
        await credentials.revoke(writer, revoked)
    (message,) = await shop.messages()
    body = msgspec.json.decode(message.payload)
    assert body["data"]["keyId"] == key.id
    assert body["data"]["kind"] == "sk"
    assert secret.encode() not in message.payload


@on_both
async def test_a_chore_is_one_workers_until_it_is_due_again(shop: Shop) -> None:
    async def begin() -> bool:
        async with shop.records.write("test") as writer:
            return await chores.begin(writer, "sweep", 60)

    assert sorted(await asyncio.gather(*(begin() for _ in range(4)))) == [False] * 3 + [True]
    shop.clock.advance(59)
    assert not await begin()
    shop.clock.advance(1)
    assert sorted(await asyncio.gather(*(begin() for _ in range(4)))) == [False] * 3 + [True]
