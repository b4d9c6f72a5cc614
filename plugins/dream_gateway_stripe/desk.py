"""Where Stripe is asked: which key acts, for which account, and what each of its refusals means here."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec
import stripe
from stripe import HTTPXClient, StripeClient

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
    GatewayError,
)
from dream_gateway.payments import Account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stripe import ListObject, RequestOptions, StripeObject

    from dream_gateway_stripe.settings import Configuration, ModeKeys

    Call = Callable[[StripeClient, RequestOptions], Awaitable[StripeObject]]
    ListCall = Callable[[StripeClient, RequestOptions], Awaitable[ListObject[Any]]]

T = TypeVar("T")

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
RETRIES = 2
"""How often stripe-python repeats a request that got no answer, with the same idempotency key."""

PAGE = 100
"""Objects of one page of a list: the most that Stripe gives."""

MISSING = "resource_missing"
NO_ACCESS = "account_invalid"
"""An account that is not connected. Any other lack of permission is the key's, for all accounts."""


class Desk:
    """Asks Stripe with the operator's own keys, in the name of a developer's account.

    Of two keys of a mode, the one that was taken last is tried first. Connections are made with the
    first request, on its event loop.
    """

    def __init__(self, configuration: Configuration) -> None:
        stripe.enable_telemetry = False
        # Its own lines tell of each request and answer; what goes wrong is logged here.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self.configuration = configuration
        self.settings = configuration.settings
        self._http: HTTPXClient | None = None
        self._clients: dict[str, StripeClient] = {}
        self._taken: dict[bool, str] = {}

    def mode(self, *, live: bool) -> ModeKeys:
        """Return what acts in a mode. Raises `BillingNotConfiguredError` if there is nothing."""
        keys = self.configuration.modes.get(live)
        if keys is None:
            mode = "live" if live else "test"
            raise BillingNotConfiguredError(f"This gateway takes no payments in {mode} mode.")
        return keys

    async def ask(self, account: Account, shape: type[T], call: Call, key: str = "") -> T:
        """Return what Stripe answers. With `key`, asking again does nothing a second time."""
        try:
            return await self._asked(account, shape, call, key)
        except stripe.StripeError as exc:
            raise translated(exc, account) from exc

    async def find(self, account: Account, shape: type[T], call: Call) -> T | None:
        """Return an object, `None` if there is none of its id."""
        try:
            return await self._asked(account, shape, call)
        except stripe.InvalidRequestError as exc:
            if exc.code == MISSING:
                return None
            raise translated(exc, account) from exc
        except stripe.StripeError as exc:
            raise translated(exc, account) from exc

    async def every(self, account: Account, shape: type[T], call: ListCall) -> list[T]:
        """Return all that is in a list, page after page, in Stripe's order."""
        try:
            page = await self._with_key(account, call, "")
            return [_shaped(each, shape) async for each in page.auto_paging_iter()]
        except stripe.StripeError as exc:
            raise translated(exc, account) from exc

    async def attempt(self, account: Account, call: Call) -> StripeObject:
        """Return what Stripe answers. Raises its own `StripeError`, for who knows what it means."""
        return await self._with_key(account, call, "")

    async def oauth(self, path: str, *, live: bool, **params: str) -> object:
        """Return what Connect's OAuth answers. Raises Stripe's own `StripeError`."""

        async def call(client: StripeClient, _: RequestOptions) -> object:
            answer = await client.raw_request_async("post", path, base="connect", **params)
            return answer.data

        return await self._with_key(Account(None, live), call, "")

    async def aclose(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        self._clients.clear()
        if http is not None:
            await http.close_async()  # type: ignore[no-untyped-call]

    async def _asked(self, account: Account, shape: type[T], call: Call, key: str = "") -> T:
        return _shaped(await self._with_key(account, call, key), shape)

    async def _with_key(
        self,
        account: Account,
        call: Callable[[StripeClient, RequestOptions], Awaitable[T]],
        key: str,
    ) -> T:
        """Ask with the first of the mode's keys that Stripe takes."""
        options: RequestOptions = {}
        if account.id is not None:
            options["stripe_account"] = account.id
        if key:
            options["idempotency_key"] = key
        *others, last = self._keys(live=account.live)
        for secret in others:
            try:
                return await call(self._client(secret), options)
            except stripe.AuthenticationError:
                self._taken[account.live] = last
        return await call(self._client(last), options)

    def _keys(self, *, live: bool) -> tuple[str, ...]:
        keys = self.mode(live=live).secret_keys
        first = self._taken.get(live, keys[0])
        return (first, *(key for key in keys if key != first))

    def _client(self, secret: str) -> StripeClient:
        if secret not in self._clients:
            if self._http is None:
                limit = httpx.Timeout(self.settings.timeout, connect=CONNECT_SECONDS)
                self._http = HTTPXClient(timeout=limit)
            self._clients[secret] = StripeClient(
                secret,
                max_network_retries=RETRIES,
                http_client=self._http,
                base_addresses={
                    "api": self.settings.api_url.rstrip("/"),
                    "connect": self.settings.connect_url.rstrip("/"),
                },
            )
        return self._clients[secret]


class Asking:
    """Whatever asks Stripe for something."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk


def once(key: str, *content: object) -> str:
    """Return an idempotency key: the same for the same key and content, and for nothing else."""
    text = msgspec.json.encode([key, *content], order="deterministic")
    return f"dg-{sha256(text).hexdigest()[:40]}"


def translated(error: stripe.StripeError, account: Account) -> GatewayError:
    """Return the gateway's error for one of Stripe's. Stripe's own words are in the log only."""
    code = code_of(error)
    logger.warning(
        "Stripe refused a request for %s: %s %s (request %s)",
        account.id or "the own account",
        type(error).__name__,
        code,
        error.request_id,
    )
    if isinstance(error, stripe.PermissionError) and code == NO_ACCESS and account.id is not None:
        return BillingAccountError()
    if isinstance(error, stripe.CardError):
        return ConflictError("The payment was refused.", extra={"reason": code})
    if isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError):
        return ConflictError(f"The payment provider does not do that now: {code}.")
    return BillingUnavailableError(retry_after=_retry_after(error))


def code_of(error: stripe.StripeError) -> str:
    """Return Stripe's word for what is wrong; it is made for programs, and says nothing private."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    said = body.get("error")
    named = said.get("decline_code") or said.get("code") if isinstance(said, dict) else said
    return str(error.code or named or "unspecified")


def _retry_after(error: stripe.StripeError) -> float | None:
    given = (error.headers or {}).get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else None


def _shaped(answer: StripeObject, shape: type[T]) -> T:
    try:
        return msgspec.convert(answer.to_dict(for_json=True), shape)
    except msgspec.ValidationError as exc:
        logger.error("Stripe answered in a shape that is not known: %s", exc)  # noqa: TRY400
        raise BillingUnavailableError from exc
