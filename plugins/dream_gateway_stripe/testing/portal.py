"""The customer portal: what its configurations allow, and the sessions that lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.books import fits, merge_metadata
from dream_gateway_stripe.testing.faults import StripeFault

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes

OFF: JSON = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {
        "duration": {"interval_options": [], "type": "indefinite"},
        "enabled": False,
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
CHANGEABLE = ("active", "name", "default_return_url")


def create_configuration(call: Call) -> JSON:
    """Make a configuration; what is not said to be on is off."""
    wanted = call.params
    configuration = call.object(
        "bpc",
        "billing_portal.configuration",
        active=True,
        application=None,
        business_profile={
            "headline": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
        }
        | wanted.get("business_profile", {}),
        default_return_url=wanted.get("default_return_url"),
        features=_features(call.books, OFF, wanted["features"]),
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata=wanted.get("metadata", {}),
        name=wanted.get("name"),
        updated=call.now,
    )
    call.books.add(configuration)
    call.world.happened(call.books, "billing_portal.configuration.created", configuration)
    return configuration


def _features(books: Books, had: JSON, wanted: JSON) -> JSON:
    """Return features with what is wanted put in, each as the API completes it."""
    features: JSON = books.seen(had)
    for name, values in wanted.items():
        features[name] |= {
            key: _put(features[name].get(key), value) for key, value in values.items()
        }
    update = features["subscription_update"]
    for product in update["products"] or []:
        books.get(product["product"], "product", "features[subscription_update][products]")
        for price in product["prices"]:
            books.get(price, "price", "features[subscription_update][products][prices]")
        product.setdefault("adjustable_quantity", {"enabled": False, "maximum": None, "minimum": 1})
    if update["enabled"] and not (update["products"] and update["default_allowed_updates"]):
        raise StripeFault(
            "An enabled subscription_update needs default_allowed_updates and products.",
            param="features[subscription_update]",
        )
    return features


def _put(had: Any, wanted: Any) -> Any:
    if wanted == "":
        return [] if isinstance(had, list) else None
    return {**had, **wanted} if isinstance(had, dict) and isinstance(wanted, dict) else wanted


def update_configuration(call: Call) -> JSON:
    """Change a configuration."""
    configuration = call.books.get(call.parts[0], "billing_portal.configuration")
    wanted = call.params
    before = call.books.seen(configuration)
    for name in CHANGEABLE:
        if name in wanted:
            configuration[name] = wanted[name] if wanted[name] != "" else None
    if "business_profile" in wanted:
        configuration["business_profile"] |= wanted["business_profile"]
    if "features" in wanted:
        features = _features(call.books, configuration["features"], wanted["features"])
        configuration["features"] = features
    merge_metadata(configuration, wanted.get("metadata"))
    configuration["updated"] = call.now
    kind = "billing_portal.configuration.updated"
    call.world.updated(call.books, kind, configuration, before)
    return configuration


def retrieve_configuration(call: Call) -> JSON:
    """Show a configuration."""
    return call.books.get(call.parts[0], "billing_portal.configuration")


def list_configurations(call: Call) -> JSON:
    """List configurations."""
    wanted = call.wanted("active", "is_default")
    found = [each for each in call.books.all("billing_portal.configuration") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/billing_portal/configurations")


def create_session(call: Call) -> JSON:
    """Make a link to the portal, for one customer."""
    wanted = call.params
    if "customer" not in wanted:
        raise StripeFault("Missing required param: customer.", param="customer")
    call.books.get(wanted["customer"], "customer", "customer")
    if "configuration" not in wanted:
        raise StripeFault(
            "You can't create a portal session until you save your customer portal settings, or "
            "name a configuration."
        )
    configuration = call.books.get(
        wanted["configuration"], "billing_portal.configuration", "configuration"
    )
    if not configuration["active"]:
        raise StripeFault("The configuration is not active.", param="configuration")
    session = call.object(
        "bps",
        "billing_portal.session",
        configuration=configuration["id"],
        customer=wanted["customer"],
        customer_account=None,
        flow=None,
        locale=wanted.get("locale"),
        on_behalf_of=None,
        return_url=wanted.get("return_url", configuration["default_return_url"]),
    )
    session["url"] = f"{call.world.base_url}/p/session/{session['id']}"
    call.books.add(session)
    call.world.happened(call.books, "billing_portal.session.created", session)
    return session


ROUTES: Routes = {
    ("post", "/v1/billing_portal/configurations"): create_configuration,
    ("get", "/v1/billing_portal/configurations"): list_configurations,
    ("get", "/v1/billing_portal/configurations/{configuration}"): retrieve_configuration,
    ("post", "/v1/billing_portal/configurations/{configuration}"): update_configuration,
    ("post", "/v1/billing_portal/sessions"): create_session,
}
