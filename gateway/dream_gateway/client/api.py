"""The two clients: what they hold, and how each does what `attempts` says."""

from __future__ import annotations

import asyncio
import time
from random import random
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import httpx
import msgspec

from dream_gateway.client.attempts import Retries, Send, attempts
from dream_gateway.client.made.asynchronous import AsyncMethods
from dream_gateway.client.made.blocking import Methods
from dream_gateway.version import version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dream_gateway.client.answers import Answer
    from dream_gateway.client.attempts import Outcome
    from dream_gateway.client.call import Call

TIMEOUT = 10.0
"""Seconds that connecting, sending and each read of an answer may take, by default."""

SECRET, PUBLISHABLE = "sk_", "pk_"
"""What keys of a project begin with."""

_RETRIES = Retries()
_encode = msgspec.json.Encoder().encode


class _Credentials:
    """Who calls: a project's secret key, its publishable key and perhaps a user's token, or a developer.

    A developer's token, or an operator's, says with `project_id` or `platform_id` what it is about.
    """

    def __init__(
        self,
        secret_key: str | None,
        publishable_key: str | None,
        token: str | None,
        project_id: str | None,
        platform_id: str | None,
    ) -> None:
        # What anybody may ask needs none, but whoever makes a client without one has forgotten it.
        if secret_key is None and publishable_key is None and token is None:
            raise ValueError("Give a secret_key, a publishable_key or a token.")
        if token is not None and (secret_key is not None or publishable_key is not None):
            raise ValueError("A developer's token goes without the keys of a project.")
        if token is None and (project_id is not None or platform_id is not None):
            raise ValueError("A key is of one project: only a token is told which.")
        # A secret key in the publishable one's place would be sent to where everyone can read it.
        if secret_key is not None and not secret_key.startswith(SECRET):
            raise ValueError(f"A secret_key begins with {SECRET}.")
        if publishable_key is not None and not publishable_key.startswith(PUBLISHABLE):
            raise ValueError(f"A publishable_key begins with {PUBLISHABLE}.")
        self._bearer = token or secret_key
        self._user_token: str | None = None
        named = {
            "X-Publishable-Key": publishable_key,
            "X-Project-Id": project_id,
            "X-Platform-Id": platform_id,
        }
        self._named = {name: value for name, value in named.items() if value is not None}

    def set_user_token(self, token: str) -> None:
        """Call as the user whose token it is, from here on: everyone who uses this client.

        One client for each user, where several are served at once.
        """
        if "X-Publishable-Key" not in self._named:
            raise ValueError("A user's token goes beside a publishable_key.")
        if token.startswith(SECRET):
            raise ValueError("A secret key is no user's token.")
        self._user_token = token

    def clear_user_token(self) -> None:
        """Call as nobody's user again."""
        self._user_token = None

    def _request(self, http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
        fields = call.fields | self._named
        bearer = self._user_token or self._bearer
        if bearer is not None:
            fields["Authorization"] = f"Bearer {bearer}"
        content = call.content
        body = None if content is None else _encode(content)
        if body is not None:
            fields["Content-Type"] = "application/json"
        # A user's id may be in any script, which httpx itself would not send.
        headers = {name.encode(): value.encode() for name, value in fields.items()}
        return http.build_request(
            call.method, call.path, params=call.parameters, headers=headers, content=body
        )


def _prepared(call: Call, retries: Retries) -> Call:
    """Return a call that may be repeated, where a key does that: one key for all attempts."""
    return call.keyed(str(uuid4())) if retries.count and call.takes_key else call


def _defaults(base_url: str, timeout: float) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "timeout": timeout,
        "headers": {
            "User-Agent": f"dream-gateway-python/{version()}",
            "Accept": "application/json",
        },
    }


class DreamAPI(_Credentials, Methods):
    """The API, for whoever blocks. Safe in several threads.

    `timeout` is seconds. `transport`, `sleep`, `now` and `chance` (0 to 1, how much of a wait is
    waited) are the rest of the world.
    """

    def __init__(
        self,
        *,
        base_url: str,
        secret_key: str | None = None,
        publishable_key: str | None = None,
        token: str | None = None,
        project_id: str | None = None,
        platform_id: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = _RETRIES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random,
    ) -> None:
        _Credentials.__init__(self, secret_key, publishable_key, token, project_id, platform_id)
        base_url = base_url.rstrip("/")
        Methods.__init__(self, self._perform, base_url, publishable_key)
        self._http = httpx.Client(transport=transport, **_defaults(base_url, timeout))
        self._retries, self._sleep, self._now, self._chance = retries, sleep, now, chance

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _perform(self, call: Call) -> Answer | None:
        prepared = _prepared(call, self._retries)
        steps = attempts(prepared, self._retries, self._now, self._chance)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                answer: Answer | None = done.value
                return answer
            if isinstance(step, Send):
                outcome = self._attempt(step.call)
            else:
                self._sleep(step.seconds)
                outcome = None

    def _attempt(self, call: Call) -> Outcome:
        try:
            return self._http.send(self._request(self._http, call))
        except httpx.TransportError as failed:
            return failed


class AsyncDreamAPI(_Credentials, AsyncMethods):
    """The API, for whoever awaits. Of one event loop; arguments as `DreamAPI`'s."""

    def __init__(
        self,
        *,
        base_url: str,
        secret_key: str | None = None,
        publishable_key: str | None = None,
        token: str | None = None,
        project_id: str | None = None,
        platform_id: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = _RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random,
    ) -> None:
        _Credentials.__init__(self, secret_key, publishable_key, token, project_id, platform_id)
        base_url = base_url.rstrip("/")
        AsyncMethods.__init__(self, self._perform, base_url, publishable_key)
        self._http = httpx.AsyncClient(transport=transport, **_defaults(base_url, timeout))
        self._retries, self._sleep, self._now, self._chance = retries, sleep, now, chance

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _perform(self, call: Call) -> Answer | None:
        prepared = _prepared(call, self._retries)
        steps = attempts(prepared, self._retries, self._now, self._chance)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                answer: Answer | None = done.value
                return answer
            if isinstance(step, Send):
                outcome = await self._attempt(step.call)
            else:
                await self._sleep(step.seconds)
                outcome = None

    async def _attempt(self, call: Call) -> Outcome:
        try:
            return await self._http.send(self._request(self._http, call))
        except httpx.TransportError as failed:
            return failed
