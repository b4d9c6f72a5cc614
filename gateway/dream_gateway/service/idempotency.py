"""`Idempotency-Key` on requests that create: a repeat within 24 hours gets the first result.

The result is remembered in the transaction that creates. So there is no moment at which one of them
is durable and the other is not, and nothing is left to clean up after a crash.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from dream_gateway.errors import ConflictError, IdempotencyMismatchError
from dream_gateway.service.directory import Remembered
from dream_gateway.service.fields import idempotency_key
from dream_gateway.service.reply import Answer

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory
    from dream_gateway.service.operation import Operation

REMEMBERED_SECONDS = 24 * 3600
RETRY_SECONDS = 1.0
REPLAYED = (b"idempotency-replayed", b"true")


class Idempotency:
    """Runs creating operations, each in a write transaction that the handler finds in its call."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._under_way: set[tuple[str, str]] = set()

    async def run(self, operation: Operation, call: Call) -> Answer:
        """Return the operation's answer, or the one that was given to the same request before.

        Raises `IdempotencyMismatchError` if the key was used for another request, and
        `ConflictError` while the first is under way in this process; in another, waits for it.
        """
        key = idempotency_key(call)
        if key is None:
            async with (
                operation.surroundings(call),
                self._directory.write(call.actor) as call.transaction,
            ):
                return await operation.handler(call)
        name = (call.known.scope, key)
        if name in self._under_way:
            detail = "A request with this Idempotency-Key is under way."
            raise ConflictError(detail, retry_after=RETRY_SECONDS)
        self._under_way.add(name)
        try:
            return await self._once(operation, call, key)
        finally:
            self._under_way.discard(name)

    async def _once(self, operation: Operation, call: Call, key: str) -> Answer:
        scope, asked = call.known.scope, _fingerprint(call)
        now = self._clock.now()
        if operation.around is not None:
            async with self._directory.read() as reading:
                first = await reading.remembered(scope, key)
            if _holds(first, now):
                return _replay(first, asked)
        async with (
            operation.surroundings(call),
            self._directory.write(call.actor) as transaction,
        ):
            first = await transaction.remembered(scope, key)
            if _holds(first, now):
                return _replay(first, asked)
            call.transaction = transaction
            answer = await operation.handler(call)
            body = msgspec.json.encode(answer.value if answer.kept is None else answer.kept)
            result = Remembered(asked, answer.status or operation.status, body, now)
            await transaction.remember(scope, key, result)
            return answer


def _holds(first: Remembered | None, now: float) -> TypeGuard[Remembered]:
    return first is not None and now - first.at < REMEMBERED_SECONDS


def _replay(first: Remembered, asked: str) -> Answer:
    if first.fingerprint != asked:
        raise IdempotencyMismatchError
    return Answer(msgspec.Raw(first.body), status=first.status, headers=[REPLAYED])


def _fingerprint(call: Call) -> str:
    """Return a digest of what is asked: another spelling of the same JSON is the same request."""
    asked = (call.inbound.method, call.inbound.path, call.body)
    return sha256(msgspec.json.encode(asked)).hexdigest()
