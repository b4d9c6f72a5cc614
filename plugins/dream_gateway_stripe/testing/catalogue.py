"""Products and prices. A price's amount is for ever: another amount is another price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import copied, fits, merge_metadata
from dream_gateway_stripe.testing.call import Call
from dream_gateway_stripe.testing.faults import StripeFault

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.call import Routes

PRODUCT_FIELDS = ("active", "name", "description", "images", "marketing_features", "url")


def create_product(call: Call) -> JSON:
    """Make a product, with an id of the caller's if it names one."""
    wanted = call.params
    id_ = wanted.get("id") or call.world.id("prod")
    if id_ in call.books:
        raise StripeFault("Product already exists.", code="resource_already_exists", param="id")
    product = {
        "id": id_,
        "object": "product",
        "active": wanted.get("active", True),
        "created": call.now,
        "default_price": None,
        "description": wanted.get("description"),
        "images": wanted.get("images", []),
        "livemode": call.books.live,
        "marketing_features": wanted.get("marketing_features", []),
        "metadata": wanted.get("metadata", {}),
        "name": wanted["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": wanted.get("statement_descriptor"),
        "tax_code": None,
        "type": "service",
        "unit_label": wanted.get("unit_label"),
        "updated": call.now,
        "url": wanted.get("url"),
    }
    call.books.add(product)
    call.world.happened(call.books, "product.created", product)
    if "default_price_data" in wanted:
        price = _price(call, wanted["default_price_data"], id_)
        product["default_price"] = price["id"]
    return product


def update_product(call: Call) -> JSON:
    """Change a product."""
    product = call.books.get(call.parts[0], "product")
    before = call.books.seen(product)
    for name in PRODUCT_FIELDS:
        if name in call.params:
            value = copied(call.params[name])
            empty: list[str] | None = [] if name in ("images", "marketing_features") else None
            product[name] = empty if value == "" else value
    if "default_price" in call.params:
        price = call.books.get(call.params["default_price"], "price", "default_price")
        product["default_price"] = price["id"]
    merge_metadata(product, call.params.get("metadata"))
    product["updated"] = call.now
    call.world.updated(call.books, "product.updated", product, before)
    return product


def retrieve_product(call: Call) -> JSON:
    """Show a product."""
    return call.books.get(call.parts[0], "product")


def delete_product(call: Call) -> JSON:
    """Remove a product that has no prices."""
    product = call.books.get(call.parts[0], "product")
    if any(price["product"] == product["id"] for price in call.books.all("price")):
        raise StripeFault(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    call.books.drop(product["id"])
    call.world.happened(call.books, "product.deleted", product)
    return {"id": product["id"], "object": "product", "deleted": True}


def list_products(call: Call) -> JSON:
    """List products."""
    wanted = call.wanted("active", "created")
    ids = call.params.get("ids")
    found = [
        each
        for each in call.books.all("product")
        if fits(each, wanted) and (ids is None or each["id"] in ids)
    ]
    return call.books.page(found, call.params, "/v1/products")


def create_price(call: Call) -> JSON:
    """Make a price of a product that there is, or of one that comes with it."""
    wanted = call.params
    if "product_data" in wanted:
        made = create_product(Call(call.world, call.books, wanted["product_data"]))
        return _price(call, wanted, made["id"])
    if "product" not in wanted:
        raise StripeFault("Missing required param: product.", param="product")
    product = call.books.get(wanted["product"], "product", "product")
    return _price(call, wanted, product["id"])


def update_price(call: Call) -> JSON:
    """Change what may change: whether it is sold, and what it is called."""
    price = call.books.get(call.parts[0], "price")
    before = call.books.seen(price)
    if call.params.get("active") is False and _is_default(call, price):
        raise StripeFault(
            "This price cannot be archived because it is the default price of its product."
        )
    for name in ("active", "nickname", "tax_behavior"):
        if name in call.params:
            price[name] = call.params[name]
    if "lookup_key" in call.params:
        _take_lookup_key(call, call.params)
        price["lookup_key"] = call.params["lookup_key"] or None
    merge_metadata(price, call.params.get("metadata"))
    call.world.updated(call.books, "price.updated", price, before)
    return price


def _is_default(call: Call, price: JSON) -> bool:
    return bool(call.books.get(price["product"], "product")["default_price"] == price["id"])


def retrieve_price(call: Call) -> JSON:
    """Show a price."""
    return call.books.get(call.parts[0], "price")


def list_prices(call: Call) -> JSON:
    """List prices."""
    wanted = call.wanted("active", "currency", "product", "type", "created")
    recurring = copied(call.params.get("recurring", {}))
    keys = call.params.get("lookup_keys")
    found = [
        each
        for each in call.books.all("price")
        if fits(each, wanted)
        and all((each["recurring"] or {}).get(k) == v for k, v in recurring.items())
        and (keys is None or each["lookup_key"] in keys)
    ]
    return call.books.page(found, call.params, "/v1/prices")


def _price(call: Call, wanted: JSON, product: str) -> JSON:
    _take_lookup_key(call, wanted)
    amount = wanted.get("unit_amount")
    exact = wanted.get("unit_amount_decimal", None if amount is None else str(amount))
    if exact is None and wanted.get("billing_scheme") != "tiered":
        raise StripeFault("Missing required param: unit_amount.", param="unit_amount")
    if exact is not None and "." not in exact:
        amount = int(exact)
    price = call.object(
        "price",
        "price",
        active=wanted.get("active", True),
        billing_scheme=wanted.get("billing_scheme", "per_unit"),
        currency=wanted["currency"].lower(),
        custom_unit_amount=None,
        lookup_key=wanted.get("lookup_key"),
        metadata=wanted.get("metadata", {}),
        nickname=wanted.get("nickname"),
        product=product,
        recurring=_recurring(call, wanted["recurring"]) if "recurring" in wanted else None,
        tax_behavior=wanted.get("tax_behavior", "unspecified"),
        tiers_mode=wanted.get("tiers_mode"),
        transform_quantity=wanted.get("transform_quantity"),
        type="recurring" if "recurring" in wanted else "one_time",
        unit_amount=amount,
        unit_amount_decimal=exact,
    )
    call.books.add(price)
    call.world.happened(call.books, "price.created", price)
    return price


def _recurring(call: Call, wanted: JSON) -> JSON:
    if "meter" in wanted:
        call.books.get(wanted["meter"], "billing.meter", "recurring[meter]")
    elif wanted.get("usage_type") == "metered":
        raise StripeFault("A metered price needs a meter.", param="recurring[meter]")
    return {
        "interval": wanted["interval"],
        "interval_count": wanted.get("interval_count", 1),
        "meter": wanted.get("meter"),
        "trial_period_days": None,
        "usage_type": wanted.get("usage_type", "licensed"),
    }


def _take_lookup_key(call: Call, wanted: JSON) -> None:
    """Free a lookup key for another price, if that is asked for."""
    key = wanted.get("lookup_key")
    for price in call.books.all("price") if key else ():
        if price["lookup_key"] == key and price["id"] not in call.parts:
            if not wanted.get("transfer_lookup_key"):
                raise StripeFault(
                    f"A price (`{price['id']}`) already uses that lookup key.", param="lookup_key"
                )
            price["lookup_key"] = None


ROUTES: Routes = {
    ("post", "/v1/products"): create_product,
    ("get", "/v1/products"): list_products,
    ("get", "/v1/products/{id}"): retrieve_product,
    ("post", "/v1/products/{id}"): update_product,
    ("delete", "/v1/products/{id}"): delete_product,
    ("post", "/v1/prices"): create_price,
    ("get", "/v1/prices"): list_prices,
    ("get", "/v1/prices/{price}"): retrieve_price,
    ("post", "/v1/prices/{price}"): update_price,
}
