"""The pages where an account's owner allows the platform, and completes an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing import connect
from dream_gateway_stripe.testing.pages.rendering import go
from dream_gateway_stripe.testing.world import PLATFORM

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_stripe.testing.pages.visit import Visit


def authorize(visit: Visit) -> Response:
    """Ask whether the platform may act for an account, or send the browser back with the answer."""
    live = connect.check_authorize(visit.world, visit.query)
    if visit.form is None:
        accounts = [one for one in visit.world.accounts.values() if one["id"] != PLATFORM]
        return visit.renderer.page("authorize.html", "Connect", live=live, accounts=accounts)
    if visit.form.get("answer") != "allow":
        return go(connect.deny(visit.query))
    account = visit.form.get("account")
    if account not in visit.world.accounts or account == PLATFORM:
        account = connect.new_account(visit.world, visit.form.get("email") or None)["id"]
    return go(connect.allow(visit.world, account, visit.query))


def set_up(visit: Visit) -> Response:
    """Show an account's set-up, or complete it and send the browser back."""
    token = visit.path["id"]
    link = visit.world.links.get(token)
    if link is None:
        return visit.renderer.told("This link was used, or is too old.")
    if link["expires_at"] < visit.world.now:
        return go(link["refresh_url"])
    if visit.form is None:
        account = visit.world.accounts[link["account"]]
        return visit.renderer.page("setup.html", "Complete your account", account=account)
    return go(connect.onboard(visit.world, token))
