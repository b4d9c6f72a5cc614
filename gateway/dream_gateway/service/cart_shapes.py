"""What the routes of carts and orders take and give. Amounts are in the currency's minor unit."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Literal

from msgspec import Meta

from dream_gateway.service.values import (
    DEFAULT_PAGE,
    Cursor,
    Email,
    PageSize,
    Shape,
    Text,
    Units,
    WebUrl,
)

MOST_LINES = 100
MOST_UNITS = 999_999

PriceId = Annotated[Text, Meta(min_length=1, description="A product's `priceId`.")]
Quantity = Annotated[int, Meta(ge=1, le=MOST_UNITS)]
OrderState = Literal["open", "paying", "paid", "failed", "expired", "refunded", "disputed"]


class CartItem(Shape):
    """So many of a product, which is named by its price."""

    price_id: PriceId
    quantity: Quantity = 1


class CartRequest(Shape):
    """Products to pay for, all in one currency, and where to come back to."""

    items: Annotated[list[CartItem], Meta(min_length=1, max_length=MOST_LINES)]
    email: Email | None = None
    success_url: WebUrl | None = None
    cancel_url: WebUrl | None = None


class CartAnswer(Shape):
    """The page to send the buyer to, and until when the stock is held for them."""

    url: str
    session_id: str
    order_id: str
    expires_at: datetime


class OrderLineView(Shape):
    """So many of a product, at the price it had."""

    product_id: str
    name: str
    quantity: Units
    unit_amount: Units


class OrderView(Shape):
    """An order. `customerId` is `null` for a guest; `refunded` is what went back of `amount`."""

    id: str
    status: OrderState
    amount: Units
    refunded: Units
    currency: str
    customer_id: str | None
    email: str | None
    lines: list[OrderLineView]
    payment_id: str | None
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None


class OrderQuery(Shape):
    """Which page of the orders."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None


class OrderPage(Shape):
    """A page of orders, newest first."""

    data: list[OrderView]
    next_cursor: str | None
    has_more: bool
