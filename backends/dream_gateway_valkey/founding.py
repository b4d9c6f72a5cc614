"""The ledger's name: made once, and kept in every shard, so that lost data are noticed."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway.errors import SchemaTooNewError, StoreUnavailableError
from dream_gateway.storage import SHARDS
from dream_gateway_valkey import faults
from dream_gateway_valkey.driver import BrokenError, RefusedError
from dream_gateway_valkey.router import Call
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from dream_gateway_valkey.calls import Keys
    from dream_gateway_valkey.router import Router

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
IDENTITY_BYTES = 16
FIELDS = ("name", "version", "ready")


async def found(router: Router, keys: Keys, *, starting: bool = False) -> str:
    """Return the ledger's name; a new ledger gets one. Safe with many at once, or after a crash.

    A ledger is ready once every shard has its name. From then on a shard without it has lost its data:
    it gets the name again, and begins at zero, when the gateway is `starting`, and not before.
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
        await router.run([_naming(keys, shard, name) for shard in range(SHARDS)])
        await router.one(slot, "HSET", keys.root, "ready", 1)
    elif starting:
        await _mend(router, keys, name)
    return str(name.decode())


async def name_in_a_shard(router: Router, keys: Keys) -> str | None:
    """Return the name that any server's shard bears, for when the ledger's own key is away."""
    shards = {router.owner(keys.slot(shard)): shard for shard in range(SHARDS)}
    for node, shard in shards.items():
        if node is not None:
            with suppress(BrokenError, RefusedError):
                name = await router.ask(node, "GET", keys.name(shard))
                if name is not None:
                    return str(name.decode())
    return None


async def _mend(router: Router, keys: Keys, name: bytes) -> None:
    """Give shards without the ledger's name theirs again; those that are away stay as they are."""
    calls = [_naming(keys, shard, name, "NX") for shard in range(SHARDS)]
    with suppress(StoreUnavailableError):
        await router.run(calls)
    lost = sum(call.done and call.reply is not None for call in calls)
    if lost:
        logger.error(
            "The Valkey server lost %d of %d parts of the ledger: usage counted there begins at zero",
            lost,
            SHARDS,
        )


def _naming(keys: Keys, shard: int, name: bytes, *condition: str) -> Call:
    return Call(keys.slot(shard), ("SET", keys.name(shard), name, *condition))
