"""The shared cache: one key per entry, which the server expires."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from dream_gateway.errors import InvalidRequestError
from dream_gateway_valkey.router import Call
from dream_gateway_valkey.slots import slot_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway_valkey.router import Router


class ValkeyKeyValue:
    """Entries under `PREFIX:kv:KEY`."""

    def __init__(self, router: Router, prefix: str) -> None:
        self._router = router
        self._prefix = f"{prefix}:kv:"

    async def get(self, key: str) -> bytes | None:
        """Return the value, or `None` if there is none any more."""
        name = self._name(key)
        return cast("bytes | None", await self._router.one(slot_of(name), "GET", name))

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Store a value for `ttl` seconds, over any other; for none at all if that is not positive."""
        if ttl <= 0:
            await self.delete([key])
            return
        name, milliseconds = self._name(key), math.ceil(ttl * 1000)
        await self._router.one(slot_of(name), "SET", name, value, "PX", milliseconds)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove keys; one that is not there is no error."""
        names = [self._name(key) for key in keys]
        if names:
            await self._router.run([Call(slot_of(name), ("UNLINK", name)) for name in names])

    def _name(self, key: str) -> bytes:
        try:
            return (self._prefix + key).encode()
        except UnicodeError as error:
            raise InvalidRequestError("A text in it cannot be stored.") from error
