"""The asynchronous methods, one for each route. Made by `scripts/client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dream_gateway.client.auth_pages import AuthPages
from dream_gateway.client.call import OMIT, Call, Omit, path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from dream_gateway.client.made.shapes import (
        BatchAnswer,
        BatchEvent,
        CartAnswer,
        CartItem,
        CheckoutAnswer,
        CustomerAnswer,
        CustomerPage,
        CustomerView,
        Dashboard,
        EndpointList,
        EndpointSecret,
        EndpointView,
        KeyPage,
        KeySecret,
        KeyView,
        MessagePage,
        MessageView,
        OrderPage,
        OrderView,
        OverageShape,
        PortalAnswer,
        ProductList,
        ProductView,
        Queued,
        RateShape,
        Replayed,
        SeriesView,
        SignedInView,
        TierList,
        TierView,
        Totals,
        TrackAnswer,
        UsageView,
        VerifyAnswer,
        VoidAnswer,
    )

    Ask = Callable[[Call], Awaitable[Any]]


class Group:
    """Methods about one thing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask


class AsyncUsageMethods(Group):
    """Methods about usage."""

    async def track(
        self,
        *,
        cost: int | None = None,
        user_id: str | None = None,
        plan: str | None = None,
        idempotency_key: str | None = None,
    ) -> TrackAnswer:
        """Charge a user for a request.

        `POST /api/data`
        """
        call = Call(
            "POST",
            "/api/data",
            header={"X-User-Id": user_id, "X-User-Plan": plan, "Idempotency-Key": idempotency_key},
            body={"cost": cost},
        )
        answer: TrackAnswer = await self._ask(call)
        return answer

    async def check(self, *, user_id: str | None = None) -> UsageView:
        """Tell a user's usage of the current period.

        `GET /api/usage`
        """
        call = Call("GET", "/api/usage", header={"X-User-Id": user_id})
        answer: UsageView = await self._ask(call)
        return answer

    async def batch(self, *, events: Sequence[BatchEvent]) -> BatchAnswer:
        """Record usage events, each all or nothing on its own.

        `POST /api/usage/batch`
        """
        call = Call("POST", "/api/usage/batch", body={"events": events}, repeatable=True)
        answer: BatchAnswer = await self._ask(call)
        return answer

    async def void(
        self, event_id: str, *, amount: int | None = None, idempotency_key: str | None = None
    ) -> VoidAnswer:
        """Take back a recorded event, or a part of it.

        `POST /api/usage/{eventId}/void`
        """
        call = Call(
            "POST",
            path("/api/usage/{eventId}/void", event_id),
            header={"Idempotency-Key": idempotency_key},
            body={"amount": amount},
        )
        answer: VoidAnswer = await self._ask(call)
        return answer


class AsyncCustomersMethods(Group):
    """Methods about customers."""

    async def create(
        self,
        *,
        email: str,
        password: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        plan: str | None = None,
        external_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerAnswer:
        """Create a customer.

        `POST /api/customers`
        """
        call = Call(
            "POST",
            "/api/customers",
            header={"Idempotency-Key": idempotency_key},
            body={
                "email": email,
                "password": password,
                "firstName": first_name,
                "lastName": last_name,
                "plan": plan,
                "externalId": external_id,
                "metadata": metadata,
            },
        )
        answer: CustomerAnswer = await self._ask(call)
        return answer

    async def list(
        self, *, limit: int | None = None, cursor: str | None = None, external_id: str | None = None
    ) -> CustomerPage:
        """List customers, oldest first.

        `GET /api/customers`
        """
        call = Call(
            "GET",
            "/api/customers",
            query={"limit": limit, "cursor": cursor, "externalId": external_id},
        )
        answer: CustomerPage = await self._ask(call)
        return answer

    async def iterate(
        self, *, limit: int | None = None, external_id: str | None = None
    ) -> AsyncIterator[CustomerView]:
        """List customers, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, external_id=external_id, cursor=cursor)
            for each in page["data"]:
                yield each
            cursor = page["nextCursor"]
            if cursor is None:
                return

    async def get(self, customer_id: str) -> CustomerAnswer:
        """Show a customer.

        `GET /api/customers/{id}`
        """
        call = Call("GET", path("/api/customers/{id}", customer_id))
        answer: CustomerAnswer = await self._ask(call)
        return answer

    async def update(
        self,
        customer_id: str,
        *,
        email: str | Omit | None = OMIT,
        first_name: str | Omit | None = OMIT,
        last_name: str | Omit | None = OMIT,
        plan: str | None = None,
        metadata: dict[str, Any] | None = None,
        if_match: str | None = None,
    ) -> CustomerAnswer:
        """Change a customer.

        `PATCH /api/customers/{id}`
        """
        call = Call(
            "PATCH",
            path("/api/customers/{id}", customer_id),
            header={"If-Match": if_match},
            body={"plan": plan, "metadata": metadata},
            nullable={"email": email, "firstName": first_name, "lastName": last_name},
        )
        answer: CustomerAnswer = await self._ask(call)
        return answer

    async def delete(self, customer_id: str, *, if_match: str | None = None) -> None:
        """Delete a customer; their keys stop working.

        `DELETE /api/customers/{id}`
        """
        call = Call(
            "DELETE", path("/api/customers/{id}", customer_id), header={"If-Match": if_match}
        )
        await self._ask(call)


class AsyncKeysMethods(Group):
    """Methods about keys."""

    async def create(
        self,
        customer_id: str,
        *,
        name: str | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: datetime | str | None = None,
        allowed_ips: Sequence[str] | None = None,
        rate: RateShape | None = None,
        metadata: dict[str, Any] | None = None,
        digest: str | None = None,
        last4: str | None = None,
        idempotency_key: str | None = None,
    ) -> KeySecret:
        """Create a key; its secret is shown only here.

        `POST /api/customers/{id}/keys`
        """
        call = Call(
            "POST",
            path("/api/customers/{id}/keys", customer_id),
            header={"Idempotency-Key": idempotency_key},
            body={
                "name": name,
                "scopes": scopes,
                "expiresAt": expires_at,
                "allowedIps": allowed_ips,
                "rate": rate,
                "metadata": metadata,
                "digest": digest,
                "last4": last4,
            },
        )
        answer: KeySecret = await self._ask(call)
        return answer

    async def list(
        self, customer_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> KeyPage:
        """List a customer's keys, oldest first.

        `GET /api/customers/{id}/keys`
        """
        call = Call(
            "GET",
            path("/api/customers/{id}/keys", customer_id),
            query={"limit": limit, "cursor": cursor},
        )
        answer: KeyPage = await self._ask(call)
        return answer

    async def iterate(
        self, customer_id: str, *, limit: int | None = None
    ) -> AsyncIterator[KeyView]:
        """List a customer's keys, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = await self.list(customer_id, limit=limit, cursor=cursor)
            for each in page["data"]:
                yield each
            cursor = page["nextCursor"]
            if cursor is None:
                return

    async def get(self, key_id: str) -> KeyView:
        """Show a key.

        `GET /api/keys/{keyId}`
        """
        call = Call("GET", path("/api/keys/{keyId}", key_id))
        answer: KeyView = await self._ask(call)
        return answer

    async def update(
        self,
        key_id: str,
        *,
        name: str | None = None,
        scopes: Sequence[str] | None = None,
        status: Literal["active", "disabled"] | None = None,
        expires_at: datetime | str | Omit | None = OMIT,
        allowed_ips: Sequence[str] | None = None,
        rate: RateShape | Omit | None = OMIT,
        metadata: dict[str, Any] | None = None,
        if_match: str | None = None,
    ) -> KeyView:
        """Change a key.

        `PATCH /api/keys/{keyId}`
        """
        call = Call(
            "PATCH",
            path("/api/keys/{keyId}", key_id),
            header={"If-Match": if_match},
            body={
                "name": name,
                "scopes": scopes,
                "status": status,
                "allowedIps": allowed_ips,
                "metadata": metadata,
            },
            nullable={"expiresAt": expires_at, "rate": rate},
        )
        answer: KeyView = await self._ask(call)
        return answer

    async def rotate(
        self,
        key_id: str,
        *,
        grace_seconds: int | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> KeySecret:
        """Give a key a new secret.

        `POST /api/keys/{keyId}/rotate`
        """
        call = Call(
            "POST",
            path("/api/keys/{keyId}/rotate", key_id),
            header={"Idempotency-Key": idempotency_key, "If-Match": if_match},
            body={"graceSeconds": grace_seconds},
        )
        answer: KeySecret = await self._ask(call)
        return answer

    async def delete(self, key_id: str, *, if_match: str | None = None) -> None:
        """Revoke a key for good.

        `DELETE /api/keys/{keyId}`
        """
        call = Call("DELETE", path("/api/keys/{keyId}", key_id), header={"If-Match": if_match})
        await self._ask(call)


class AsyncTiersMethods(Group):
    """Methods about tiers."""

    async def list(self) -> TierList:
        """List the project's tiers.

        `GET /api/tiers`
        """
        call = Call("GET", "/api/tiers")
        answer: TierList = await self._ask(call)
        return answer

    async def get(self, name: str) -> TierView:
        """Show a tier.

        `GET /api/tiers/{name}`
        """
        call = Call("GET", path("/api/tiers/{name}", name))
        answer: TierView = await self._ask(call)
        return answer

    async def create(
        self,
        *,
        name: str,
        display_name: str | None = None,
        price: int | None = None,
        currency: str | None = None,
        limit: int | Literal["unlimited"] | None = None,
        interval: Literal["day", "hour", "lifetime", "minute", "month", "second", "week", "year"]
        | Omit
        | None = OMIT,
        rate: RateShape | None = None,
        price_id: str | None = None,
        product_id: str | None = None,
        features: Sequence[str] | None = None,
        popular: bool | None = None,
        trial_days: int | None = None,
        overage: OverageShape | None = None,
        billing_interval: Literal["month", "year"] | None = None,
        idempotency_key: str | None = None,
    ) -> TierView:
        """Create a tier.

        `POST /api/tiers`
        """
        call = Call(
            "POST",
            "/api/tiers",
            header={"Idempotency-Key": idempotency_key},
            body={
                "displayName": display_name,
                "price": price,
                "currency": currency,
                "limit": limit,
                "rate": rate,
                "priceId": price_id,
                "productId": product_id,
                "features": features,
                "popular": popular,
                "trialDays": trial_days,
                "overage": overage,
                "billingInterval": billing_interval,
                "name": name,
            },
            nullable={"interval": interval},
        )
        answer: TierView = await self._ask(call)
        return answer

    async def update(
        self,
        name: str,
        *,
        display_name: str | None = None,
        price: int | None = None,
        currency: str | None = None,
        limit: int | Literal["unlimited"] | None = None,
        interval: Literal["day", "hour", "lifetime", "minute", "month", "second", "week", "year"]
        | Omit
        | None = OMIT,
        rate: RateShape | None = None,
        price_id: str | None = None,
        product_id: str | None = None,
        features: Sequence[str] | None = None,
        popular: bool | None = None,
        trial_days: int | None = None,
        overage: OverageShape | None = None,
        billing_interval: Literal["month", "year"] | None = None,
        if_match: str | None = None,
    ) -> TierView:
        """Replace a tier; usage stays, and the new limit holds at once.

        `PUT /api/tiers/{name}`
        """
        call = Call(
            "PUT",
            path("/api/tiers/{name}", name),
            header={"If-Match": if_match},
            body={
                "displayName": display_name,
                "price": price,
                "currency": currency,
                "limit": limit,
                "rate": rate,
                "priceId": price_id,
                "productId": product_id,
                "features": features,
                "popular": popular,
                "trialDays": trial_days,
                "overage": overage,
                "billingInterval": billing_interval,
            },
            nullable={"interval": interval},
        )
        answer: TierView = await self._ask(call)
        return answer

    async def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Remove a tier that nobody is on.

        `DELETE /api/tiers/{name}`
        """
        call = Call("DELETE", path("/api/tiers/{name}", name), header={"If-Match": if_match})
        await self._ask(call)


class AsyncProductsMethods(Group):
    """Methods about products."""

    async def list(self) -> ProductList:
        """List the project's products.

        `GET /api/products`
        """
        call = Call("GET", "/api/products")
        answer: ProductList = await self._ask(call)
        return answer

    async def get(self, product: str) -> ProductView:
        """Show a product.

        `GET /api/products/{id}`
        """
        call = Call("GET", path("/api/products/{id}", product))
        answer: ProductView = await self._ask(call)
        return answer

    async def create(
        self,
        *,
        name: str,
        price: int,
        display_name: str | None = None,
        description: str | None = None,
        currency: str | None = None,
        image_url: str | None = None,
        inventory: int | None = None,
        sold_out: bool | None = None,
        features: Sequence[str] | None = None,
        price_id: str | None = None,
        product_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> ProductView:
        """Create a product.

        `POST /api/products`
        """
        call = Call(
            "POST",
            "/api/products",
            header={"Idempotency-Key": idempotency_key},
            body={
                "name": name,
                "price": price,
                "displayName": display_name,
                "description": description,
                "currency": currency,
                "imageUrl": image_url,
                "inventory": inventory,
                "soldOut": sold_out,
                "features": features,
                "priceId": price_id,
                "productId": product_id,
            },
        )
        answer: ProductView = await self._ask(call)
        return answer

    async def update(
        self,
        product: str,
        *,
        name: str,
        price: int,
        display_name: str | None = None,
        description: str | None = None,
        currency: str | None = None,
        image_url: str | None = None,
        inventory: int | None = None,
        sold_out: bool | None = None,
        features: Sequence[str] | None = None,
        price_id: str | None = None,
        product_id: str | None = None,
        if_match: str | None = None,
    ) -> ProductView:
        """Replace a product.

        `PUT /api/products/{id}`
        """
        call = Call(
            "PUT",
            path("/api/products/{id}", product),
            header={"If-Match": if_match},
            body={
                "name": name,
                "price": price,
                "displayName": display_name,
                "description": description,
                "currency": currency,
                "imageUrl": image_url,
                "inventory": inventory,
                "soldOut": sold_out,
                "features": features,
                "priceId": price_id,
                "productId": product_id,
            },
        )
        answer: ProductView = await self._ask(call)
        return answer

    async def delete(self, product: str, *, if_match: str | None = None) -> None:
        """Delete a product.

        `DELETE /api/products/{id}`
        """
        call = Call("DELETE", path("/api/products/{id}", product), header={"If-Match": if_match})
        await self._ask(call)

    async def list_tiers(self) -> TierList:
        """List the project's tiers.

        `GET /api/tiers`
        """
        call = Call("GET", "/api/tiers")
        answer: TierList = await self._ask(call)
        return answer

    async def cart_checkout(
        self,
        *,
        items: Sequence[CartItem],
        email: str | None = None,
        success_url: str | None = None,
        cancel_url: str | None = None,
        idempotency_key: str | None = None,
        user_id: str | None = None,
    ) -> CartAnswer:
        """Pay for products; the stock is held until that is paid or expires.

        `POST /api/cart/checkout`
        """
        call = Call(
            "POST",
            "/api/cart/checkout",
            header={"Idempotency-Key": idempotency_key, "X-User-Id": user_id},
            body={
                "items": items,
                "email": email,
                "successUrl": success_url,
                "cancelUrl": cancel_url,
            },
        )
        answer: CartAnswer = await self._ask(call)
        return answer


class AsyncBillingMethods(Group):
    """Methods about billing."""

    async def create_checkout(
        self,
        *,
        tier: str,
        success_url: str | None = None,
        cancel_url: str | None = None,
        user_id: str | None = None,
    ) -> CheckoutAnswer:
        """Begin a subscription to a tier; the price is the tier's.

        `POST /api/create-checkout`
        """
        call = Call(
            "POST",
            "/api/create-checkout",
            header={"X-User-Id": user_id},
            body={"tier": tier, "successUrl": success_url, "cancelUrl": cancel_url},
            repeatable=True,
        )
        answer: CheckoutAnswer = await self._ask(call)
        return answer

    async def open_portal(
        self, *, return_url: str | None = None, user_id: str | None = None
    ) -> PortalAnswer:
        """Open the page where a customer changes what they pay for.

        `POST /api/customer-portal`
        """
        call = Call(
            "POST",
            "/api/customer-portal",
            header={"X-User-Id": user_id},
            body={"returnUrl": return_url},
            repeatable=True,
        )
        answer: PortalAnswer = await self._ask(call)
        return answer


class AsyncOrdersMethods(Group):
    """Methods about orders."""

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> OrderPage:
        """List orders, newest first.

        `GET /api/orders`
        """
        call = Call("GET", "/api/orders", query={"limit": limit, "cursor": cursor})
        answer: OrderPage = await self._ask(call)
        return answer

    async def iterate(self, *, limit: int | None = None) -> AsyncIterator[OrderView]:
        """List orders, newest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, cursor=cursor)
            for each in page["data"]:
                yield each
            cursor = page["nextCursor"]
            if cursor is None:
                return

    async def get(self, order_id: str) -> OrderView:
        """Show an order.

        `GET /api/orders/{id}`
        """
        call = Call("GET", path("/api/orders/{id}", order_id))
        answer: OrderView = await self._ask(call)
        return answer


class AsyncWebhookEndpointsMethods(Group):
    """Methods about webhook endpoints."""

    async def list(self) -> EndpointList:
        """List the project's webhook endpoints.

        `GET /api/webhook-endpoints`
        """
        call = Call("GET", "/api/webhook-endpoints")
        answer: EndpointList = await self._ask(call)
        return answer

    async def create(
        self,
        *,
        url: str,
        types: Sequence[
            Literal["customer.created", "key.revoked", "subscription.changed", "usage.threshold"]
        ]
        | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> EndpointSecret:
        """Create a webhook endpoint; its secret is shown only here.

        `POST /api/webhook-endpoints`
        """
        call = Call(
            "POST",
            "/api/webhook-endpoints",
            header={"Idempotency-Key": idempotency_key},
            body={"url": url, "types": types, "description": description},
        )
        answer: EndpointSecret = await self._ask(call)
        return answer

    async def get(self, endpoint_id: str) -> EndpointView:
        """Show a webhook endpoint.

        `GET /api/webhook-endpoints/{id}`
        """
        call = Call("GET", path("/api/webhook-endpoints/{id}", endpoint_id))
        answer: EndpointView = await self._ask(call)
        return answer

    async def update(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        types: Sequence[
            Literal["customer.created", "key.revoked", "subscription.changed", "usage.threshold"]
        ]
        | None = None,
        description: str | None = None,
        status: Literal["disabled", "enabled"] | None = None,
        if_match: str | None = None,
    ) -> EndpointView:
        """Change a webhook endpoint, or enable it again.

        `PATCH /api/webhook-endpoints/{id}`
        """
        call = Call(
            "PATCH",
            path("/api/webhook-endpoints/{id}", endpoint_id),
            header={"If-Match": if_match},
            body={"url": url, "types": types, "description": description, "status": status},
        )
        answer: EndpointView = await self._ask(call)
        return answer

    async def delete(self, endpoint_id: str, *, if_match: str | None = None) -> None:
        """Delete a webhook endpoint; what is on its way there is given up.

        `DELETE /api/webhook-endpoints/{id}`
        """
        call = Call(
            "DELETE",
            path("/api/webhook-endpoints/{id}", endpoint_id),
            header={"If-Match": if_match},
        )
        await self._ask(call)

    async def rotate(
        self,
        endpoint_id: str,
        *,
        grace_seconds: int | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> EndpointSecret:
        """Give a webhook endpoint a new secret; the old one signs as well for a while.

        `POST /api/webhook-endpoints/{id}/rotate`
        """
        call = Call(
            "POST",
            path("/api/webhook-endpoints/{id}/rotate", endpoint_id),
            header={"Idempotency-Key": idempotency_key, "If-Match": if_match},
            body={"graceSeconds": grace_seconds},
        )
        answer: EndpointSecret = await self._ask(call)
        return answer

    async def test(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Queued:
        """Send a webhook endpoint a message to try it.

        `POST /api/webhook-endpoints/{id}/test`
        """
        call = Call(
            "POST",
            path("/api/webhook-endpoints/{id}/test", endpoint_id),
            header={"Idempotency-Key": idempotency_key},
        )
        answer: Queued = await self._ask(call)
        return answer

    async def replay(
        self,
        endpoint_id: str,
        *,
        message_ids: Sequence[str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> Replayed:
        """Send a webhook endpoint messages again, or what it missed.

        `POST /api/webhook-endpoints/{id}/replay`
        """
        call = Call(
            "POST",
            path("/api/webhook-endpoints/{id}/replay", endpoint_id),
            header={"Idempotency-Key": idempotency_key},
            body={"messageIds": message_ids, "since": since, "until": until},
        )
        answer: Replayed = await self._ask(call)
        return answer


class AsyncWebhookMessagesMethods(Group):
    """Methods about webhook messages."""

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        type_: str | None = None,
        endpoint_id: str | None = None,
        status: Literal["delivered", "failed", "pending"] | None = None,
    ) -> MessagePage:
        """List webhook messages and their deliveries, newest first.

        `GET /api/webhook-messages`
        """
        call = Call(
            "GET",
            "/api/webhook-messages",
            query={
                "limit": limit,
                "cursor": cursor,
                "type": type_,
                "endpointId": endpoint_id,
                "status": status,
            },
        )
        answer: MessagePage = await self._ask(call)
        return answer

    async def iterate(
        self,
        *,
        limit: int | None = None,
        type_: str | None = None,
        endpoint_id: str | None = None,
        status: Literal["delivered", "failed", "pending"] | None = None,
    ) -> AsyncIterator[MessageView]:
        """List webhook messages and their deliveries, newest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = await self.list(
                limit=limit, type_=type_, endpoint_id=endpoint_id, status=status, cursor=cursor
            )
            for each in page["data"]:
                yield each
            cursor = page["nextCursor"]
            if cursor is None:
                return

    async def get(self, message_id: str) -> MessageView:
        """Show a webhook message and its deliveries.

        `GET /api/webhook-messages/{id}`
        """
        call = Call("GET", path("/api/webhook-messages/{id}", message_id))
        answer: MessageView = await self._ask(call)
        return answer


class AsyncDashboardMethods(Group):
    """Methods about dashboard."""

    async def get(self, *, limit: int | None = None, cursor: str | None = None) -> Dashboard:
        """Tell how a project does, with a page of its customers, oldest first.

        `GET /api/dashboard`
        """
        call = Call("GET", "/api/dashboard", query={"limit": limit, "cursor": cursor})
        answer: Dashboard = await self._ask(call)
        return answer

    async def get_totals(self) -> Totals:
        """Tell how a platform's projects do; with a secret key, its own project alone.

        `GET /api/dashboard/totals`
        """
        call = Call("GET", "/api/dashboard/totals")
        answer: Totals = await self._ask(call)
        return answer

    async def get_series(
        self,
        *,
        metric: Literal["denied", "latency", "refunded", "requests", "units"] | None = None,
        granularity: Literal["day", "hour", "minute"] | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
    ) -> SeriesView:
        """Tell what was counted of a project, span by span.

        `GET /api/dashboard/series`
        """
        call = Call(
            "GET",
            "/api/dashboard/series",
            query={"metric": metric, "granularity": granularity, "from": from_, "to": to},
        )
        answer: SeriesView = await self._ask(call)
        return answer


class AsyncAuthMethods(AuthPages, Group):
    """Methods about auth."""

    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:
        AuthPages.__init__(self, base_url, publishable_key)
        Group.__init__(self, ask)

    async def exchange(self, *, code: str, redirect_url: str | None = None) -> SignedInView:
        """Exchange the code of a sign-in for the user's token.

        `POST /api/auth/exchange`
        """
        call = Call("POST", "/api/auth/exchange", body={"code": code, "redirectUrl": redirect_url})
        answer: SignedInView = await self._ask(call)
        return answer


class AsyncMethods(Group):
    """All methods, by what they are about."""

    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:
        super().__init__(ask)
        self.usage = AsyncUsageMethods(ask)
        self.customers = AsyncCustomersMethods(ask)
        self.keys = AsyncKeysMethods(ask)
        self.tiers = AsyncTiersMethods(ask)
        self.products = AsyncProductsMethods(ask)
        self.billing = AsyncBillingMethods(ask)
        self.orders = AsyncOrdersMethods(ask)
        self.webhook_endpoints = AsyncWebhookEndpointsMethods(ask)
        self.webhook_messages = AsyncWebhookMessagesMethods(ask)
        self.dashboard = AsyncDashboardMethods(ask)
        self.auth = AsyncAuthMethods(ask, base_url, publishable_key)

    async def verify(
        self,
        *,
        key: str,
        cost: int | None = None,
        scopes: Sequence[str] | None = None,
        ip: str | None = None,
    ) -> VerifyAnswer:
        """Check a customer key and charge its use.

        `POST /api/verify`
        """
        call = Call(
            "POST", "/api/verify", body={"key": key, "cost": cost, "scopes": scopes, "ip": ip}
        )
        answer: VerifyAnswer = await self._ask(call)
        return answer
