"""Developers' accounts: connected by OAuth if they have one, else made and completed at Stripe."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import stripe
from stripe.oauth_error import InvalidClientError, InvalidGrantError

from dream_gateway.errors import (
    BillingNotConfiguredError,
    BillingUnavailableError,
    InvalidCodeError,
)
from dream_gateway.payments import Account, Onboarding
from dream_gateway_stripe.desk import Asking, once, translated
from dream_gateway_stripe.shapes import AccountLink, ConnectedAccount, Token
from dream_gateway_stripe.states import account_state

if TYPE_CHECKING:
    from stripe.params import AccountCreateParams, AccountLinkCreateParams

    from dream_gateway.payments import AccountState

logger = logging.getLogger(__name__)


class Accounts(Asking):
    """The operator's key acts for each account; no token of a developer's is kept."""

    def connect_url(self, state: str, redirect_url: str, *, live: bool) -> str:
        """Return where a developer allows us to act for an account that they have."""
        query = {
            "response_type": "code",
            "client_id": self._client_id(live=live),
            "scope": "read_write",
            "state": state,
            "redirect_uri": redirect_url,
        }
        base = self._desk.settings.connect_url.rstrip("/")
        return f"{base}/oauth/authorize?{urlencode(query)}"

    async def connect(self, code: str, *, live: bool) -> AccountState:
        """Take the code that the developer came back with, once."""
        self._client_id(live=live)
        own = Account(None, live)
        try:
            answer = await self._desk.oauth(
                "/oauth/token", live=live, grant_type="authorization_code", code=code
            )
            token = msgspec.convert(answer, Token)
        except InvalidGrantError as exc:
            raise InvalidCodeError from exc
        except msgspec.ValidationError as exc:
            raise BillingUnavailableError from exc
        except stripe.StripeError as exc:
            raise translated(exc, own) from exc
        if token.livemode is not live:
            raise InvalidCodeError
        found = await self._connected(Account(token.stripe_user_id, live))
        return account_state(found, token.scope)

    async def onboard(
        self, account_id: str | None, key: str, return_url: str, refresh_url: str, *, live: bool
    ) -> Onboarding:
        """Begin or go on with an account of a developer's who has none; `key` creates one once."""
        if account_id is None:
            account_id = await self._create_account(key, live=live)
        params: AccountLinkCreateParams = {
            "account": account_id,
            "type": "account_onboarding",
            "return_url": return_url,
            "refresh_url": refresh_url,
        }
        link = await self._desk.ask(
            Account(None, live),
            AccountLink,
            lambda client, options: client.v1.account_links.create_async(params, options),
        )
        return Onboarding(account_id=account_id, url=link.url, expires_at=link.expires_at)

    async def account(self, account: Account) -> AccountState:
        """Return a connected account, or the operator's own."""
        return account_state(await self._connected(account))

    async def disconnect(self, account: Account) -> None:
        """Act for an account no longer; one that is not connected is no failure.

        One that was made here stays where it is: only its developer can close it.
        """
        client_id = self._desk.mode(live=account.live).client_id
        if account.id is None or not client_id:
            return
        try:
            await self._desk.oauth(
                "/oauth/deauthorize",
                live=account.live,
                client_id=client_id,
                stripe_user_id=account.id,
            )
        except InvalidClientError as exc:
            logger.info("The account %s was not connected by OAuth: %s", account.id, exc.code)
        except stripe.StripeError as exc:
            raise translated(exc, Account(None, account.live)) from exc

    async def _create_account(self, key: str, *, live: bool) -> str:
        params: AccountCreateParams = {
            "controller": {
                "stripe_dashboard": {"type": "full"},
                "fees": {"payer": "account"},
                "losses": {"payments": "stripe"},
                "requirement_collection": "stripe",
            }
        }
        created = await self._desk.ask(
            Account(None, live),
            ConnectedAccount,
            lambda client, options: client.v1.accounts.create_async(params, options),
            once(key, "account"),
        )
        return created.id

    async def _connected(self, account: Account) -> ConnectedAccount:
        """Return an account: asked in its name, so that one no longer connected is refused."""
        return await self._desk.ask(
            account,
            ConnectedAccount,
            lambda client, options: client.v1.accounts.retrieve_current_async(None, options),
        )

    def _client_id(self, *, live: bool) -> str:
        client_id = self._desk.mode(live=live).client_id
        if not client_id:
            raise BillingNotConfiguredError("Accounts that exist cannot be connected here.")
        return client_id
