"""Connected accounts: allowed by OAuth, or made by the platform and completed on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from dream_gateway_stripe.testing.books import merge_metadata
from dream_gateway_stripe.testing.faults import OAuthFault, StripeFault, missing
from dream_gateway_stripe.testing.world import KEYS, PLATFORM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World

CODE_SECONDS = 300
LINK_SECONDS = 300


def new_account(
    world: World, email: str | None = None, name: str | None = None, *, ready: bool = True
) -> JSON:
    """Make an account as its owner would at Stripe; nobody is allowed to act for it yet."""
    account: JSON = {
        "id": world.id("acct"),
        "object": "account",
        "business_profile": {"name": name, "url": None},
        "business_type": None,
        "capabilities": {"card_payments": "active" if ready else "inactive"},
        "charges_enabled": ready,
        "country": "US",
        "created": world.now,
        "default_currency": "usd",
        "details_submitted": ready,
        "email": email,
        "metadata": {},
        "payouts_enabled": ready,
        "settings": {
            "branding": {},
            "card_payments": {},
            "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            "payments": {},
        },
        "type": "standard",
    }
    world.accounts[account["id"]] = account
    return account


def check_authorize(world: World, query: Mapping[str, str]) -> bool:
    """Tell the mode that a request to connect is for. Raises `OAuthFault` if it is a bad one."""
    modes = [live for live, keys in KEYS.items() if keys.client_id == query.get("client_id")]
    if not modes:
        raise OAuthFault("invalid_client", "No such application.")
    if query.get("response_type") != "code":
        raise OAuthFault("unsupported_response_type", "response_type must be code.")
    if query.get("scope", "read_only") not in ("read_only", "read_write"):
        raise OAuthFault("invalid_scope", "Unknown scope.")
    if urlsplit(query.get("redirect_uri", "")).scheme not in ("http", "https"):
        raise OAuthFault("invalid_redirect_uri", "Invalid redirect URI.")
    return modes[0]


def allow(world: World, account_id: str, query: Mapping[str, str]) -> str:
    """Do what an owner does on the page: allow the platform. Return where they are sent."""
    live = check_authorize(world, query)
    code = world.id("ac")
    scope = query.get("scope", "read_only")
    world.codes[code] = {"account": account_id, "live": live, "scope": scope, "at": world.now}
    return _back(query, {"code": code, "scope": scope})


def deny(query: Mapping[str, str]) -> str:
    """Do what an owner does who does not want to. Return where they are sent."""
    return _back(
        query,
        {"error": "access_denied", "error_description": "The user denied your request"},
    )


def _back(query: Mapping[str, str], fields: JSON) -> str:
    target = query["redirect_uri"]
    if "state" in query:
        fields = {**fields, "state": query["state"]}
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(fields)}"


def take_code(call: Call) -> JSON:
    """Exchange a code, once, within minutes, and with the key of its own mode."""
    world, wanted = call.world, call.params
    if wanted["grant_type"] != "authorization_code":
        raise OAuthFault("unsupported_grant_type", "The fake knows authorization_code only.")
    code = wanted.get("code", "")
    found = world.codes.get(code)
    if found is None or found["at"] + CODE_SECONDS < call.now:
        raise OAuthFault("invalid_grant", f"Authorization code does not exist: {code}")
    if found["live"] != call.books.live:
        raise OAuthFault("invalid_grant", "The code is of the other mode than the key.")
    del world.codes[code]
    account = found["account"]
    world.connected.add((account, found["live"]))
    keys = KEYS[found["live"]]
    return {
        "access_token": f"{keys.secret}_{account}",
        "livemode": found["live"],
        "refresh_token": f"rt_{account}",
        "scope": found["scope"],
        "stripe_publishable_key": f"{keys.publishable}_{account}",
        "stripe_user_id": account,
        "token_type": "bearer",
    }


def disconnect(call: Call) -> JSON:
    """End a connection on the platform's wish."""
    wanted = call.params
    live = call.books.live
    if wanted.get("client_id") != KEYS[live].client_id:
        raise OAuthFault("invalid_client", "No such application.", 401)
    account = wanted["stripe_user_id"]
    if (account, live) not in call.world.connected:
        raise OAuthFault(
            "invalid_client",
            f"This application is not connected to stripe account {account}, or that account "
            "does not exist.",
            401,
        )
    revoke(call.world, account, live=live)
    return {"stripe_user_id": account}


def revoke(world: World, account: str, *, live: bool) -> None:
    """End a connection, whoever wants it: nothing of the account can be reached any more."""
    books = world.books(account, live=live)
    application = {
        "id": KEYS[live].client_id,
        "object": "application",
        "name": "Platform",
    }
    world.happened(books, "account.application.deauthorized", application)
    world.connected.discard((account, live))


def create_account(call: Call) -> JSON:
    """Make an account for somebody who has none; it can do nothing until they complete it."""
    wanted = call.params
    if wanted.get("type", "standard") != "standard":
        raise StripeFault("The fake makes accounts of type standard only.", param="type")
    name = wanted.get("business_profile", {}).get("name")
    account = new_account(call.world, wanted.get("email"), name, ready=False)
    merge_metadata(account, wanted.get("metadata"))
    call.world.connected.add((account["id"], call.books.live))
    return account


def retrieve_account(call: Call) -> JSON:
    """Show an account that is connected."""
    (id_,) = call.parts
    if id_ != PLATFORM:
        call.world.reached(id_, live=call.books.live)
    found = call.world.accounts.get(id_)
    if found is None:
        raise missing("account", id_)
    return found


def retrieve_current(call: Call) -> JSON:
    """Show the account that a request acts for."""
    account = call.world.accounts.get(call.books.account)
    if account is None:
        raise missing("account", call.books.account)
    return account


def create_link(call: Call) -> JSON:
    """Make a link to the page where an account is completed. It works once."""
    wanted, world = call.params, call.world
    account = wanted["account"]
    world.reached(account, live=call.books.live)
    if wanted["type"] != "account_onboarding":
        raise StripeFault("You cannot create account_update type Account Links for this account.")
    for name in ("return_url", "refresh_url"):
        if name not in wanted:
            raise StripeFault(f"Missing required param: {name}.", param=name)
    token = world.id("link")
    expires_at = call.now + LINK_SECONDS
    world.links[token] = {
        "account": account,
        "live": call.books.live,
        "return_url": wanted["return_url"],
        "refresh_url": wanted["refresh_url"],
        "expires_at": expires_at,
    }
    return {
        "object": "account_link",
        "created": call.now,
        "expires_at": expires_at,
        "url": f"{world.base_url}/setup/s/{token}",
    }


def onboard(world: World, token: str) -> str:
    """Do what an owner does on the page: fill it in. Return where they are sent."""
    link = world.links.pop(token, None)
    if link is None or link["expires_at"] < world.now:
        raise StripeFault("This link was used, or is too old.", status=404)
    account = world.accounts[link["account"]]
    before = dict(account)
    account |= {"charges_enabled": True, "details_submitted": True, "payouts_enabled": True}
    account["capabilities"] = {"card_payments": "active"}
    books = world.books(link["account"], live=link["live"])
    world.updated(books, "account.updated", account, before)
    return str(link["return_url"])


ROUTES: Routes = {
    ("post", "/oauth/token"): take_code,
    ("post", "/oauth/deauthorize"): disconnect,
    ("post", "/v1/accounts"): create_account,
    ("get", "/v1/accounts/{account}"): retrieve_account,
    ("get", "/v1/account"): retrieve_current,
    ("post", "/v1/account_links"): create_link,
}
