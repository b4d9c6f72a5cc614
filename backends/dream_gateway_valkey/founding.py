"""The ledger's name: made once, and kept in every shard, so that lost data are noticed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dream_gateway.errors import SchemaTooNewError, StoreUnavailableError
from dream_gateway.storage import SHARDS
from dream_gateway_valkey import faults
from dream_gateway_valkey.router import Call
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from dream_gateway_valkey.calls import Keys
    from dream_gateway_valkey.router import Router

SCHEMA_VERSION = 1
IDENTITY_BYTES = 16
SHARDS_AT_ONCE = 128
FIELDS = ("name", "version", "ready")


async def found(router: Router, keys: Keys) -> str:
    """Return the ledger's name; a new ledger gets one. Safe with many at once, or after a crash.

    A ledger is ready once every shard has its name. From then on a shard without it has lost its data.
    Raises `SchemaTooNewError` if a newer gateway made it.
    """
    slot = slot_of(keys.root.encode())
    wanted = secrets.token_hex(IDENTITY_BYTES)
    await router.one(slot, "HSETNX", keys.root, "name", wanted)
    await router.one(slot, "HSETNX", keys.root, "version", SCHEMA_VERSION)
    name, version, ready = await router.one(slot, "HMGET", keys.root, *FIELDS)
    if name is None or version is None:
        raise StoreUnavailableError("The ledger is being removed.")
    if not version.isdigit():
        raise faults.damaged()
    if int(version) > SCHEMA_VERSION:
        raise SchemaTooNewError("The ledger belongs to a newer version of the gateway.")
    if ready is None:
        await _name_shards(router, keys, name)
        await router.one(slot, "HSET", keys.root, "ready", 1)
    return str(name.decode())


async def _name_shards(router: Router, keys: Keys, name: bytes) -> None:
    for first in range(0, SHARDS, SHARDS_AT_ONCE):
        shards = range(first, min(first + SHARDS_AT_ONCE, SHARDS))
        await router.run(
            [Call(keys.slot(shard), ("SET", keys.name(shard), name)) for shard in shards]
        )
