"""The synchronous methods, one for each route. Made by `scripts/client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dream_gateway.client.auth_pages import AuthPages
from dream_gateway.client.call import OMIT, Call, Omit, path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from dream_gateway.client.made.shapes import (
        Alignment,
        Alive,
        AuditPage,
        AuditView,
        BatchAnswer,
        BatchEvent,
        BrandingShape,
        CartAnswer,
        CartItem,
        CatalogueView,
        CheckoutAnswer,
        ConnectAnswer,
        ConnectionList,
        ConnectionView,
        CredentialPage,
        CredentialSecret,
        CredentialView,
        CustomerAnswer,
        CustomerPage,
        CustomerView,
        Dashboard,
        DriftReport,
        EndpointList,
        EndpointSecret,
        EndpointView,
        KeyPage,
        KeySecret,
        KeyView,
        MemberPage,
        MemberView,
        MessagePage,
        MessageView,
        Mode,
        OnboardingAnswer,
        OrderPage,
        OrderView,
        OverageShape,
        Overview,
        PlanAnswer,
        PlanPortalAnswer,
        PlanView,
        PlatformAnswer,
        PlatformPage,
        PlatformView,
        PortalAnswer,
        ProductList,
        ProductView,
        ProjectAnswer,
        ProjectPage,
        ProjectType,
        ProjectView,
        Queued,
        RateShape,
        Readiness,
        Replayed,
        Role,
        SeriesView,
        SignedInView,
        StandingList,
        TierList,
        TierView,
        Totals,
        TrackAnswer,
        UsageView,
        VerifyAnswer,
        VoidAnswer,
    )

    Ask = Callable[[Call], Any]


class Group:
    """Methods about one thing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask


class UsageMethods(Group):
    """Methods about usage."""

    def track(
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
        answer: TrackAnswer = self._ask(call)
        return answer

    def check(self, *, user_id: str | None = None) -> UsageView:
        """Tell a user's usage of the current period.

        `GET /api/usage`
        """
        call = Call("GET", "/api/usage", header={"X-User-Id": user_id})
        answer: UsageView = self._ask(call)
        return answer

    def batch(self, *, events: Sequence[BatchEvent]) -> BatchAnswer:
        """Record usage events, each all or nothing on its own.

        `POST /api/usage/batch`
        """
        call = Call("POST", "/api/usage/batch", body={"events": events}, repeatable=True)
        answer: BatchAnswer = self._ask(call)
        return answer

    def void(
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
        answer: VoidAnswer = self._ask(call)
        return answer


class CustomersMethods(Group):
    """Methods about customers."""

    def create(
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
        answer: CustomerAnswer = self._ask(call)
        return answer

    def list(
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
        answer: CustomerPage = self._ask(call)
        return answer

    def iterate(
        self, *, limit: int | None = None, external_id: str | None = None
    ) -> Iterator[CustomerView]:
        """List customers, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(limit=limit, external_id=external_id, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def get(self, customer_id: str) -> CustomerAnswer:
        """Show a customer.

        `GET /api/customers/{id}`
        """
        call = Call("GET", path("/api/customers/{id}", customer_id))
        answer: CustomerAnswer = self._ask(call)
        return answer

    def update(
        self,
        customer_id: str,
        *,
        email: str | Omit | None = OMIT,
        first_name: str | Omit | None = OMIT,
        last_name: str | Omit | None = OMIT,
        plan: str | None = None,
        metadata: dict[str, Any] | None = None,
        suspended: bool | None = None,
        if_match: str | None = None,
    ) -> CustomerAnswer:
        """Change a customer.

        `PATCH /api/customers/{id}`
        """
        call = Call(
            "PATCH",
            path("/api/customers/{id}", customer_id),
            header={"If-Match": if_match},
            body={"plan": plan, "metadata": metadata, "suspended": suspended},
            nullable={"email": email, "firstName": first_name, "lastName": last_name},
        )
        answer: CustomerAnswer = self._ask(call)
        return answer

    def delete(self, customer_id: str, *, if_match: str | None = None) -> None:
        """Delete a customer; their keys stop working.

        `DELETE /api/customers/{id}`
        """
        call = Call(
            "DELETE", path("/api/customers/{id}", customer_id), header={"If-Match": if_match}
        )
        self._ask(call)


class KeysMethods(Group):
    """Methods about keys."""

    def create(
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
        answer: KeySecret = self._ask(call)
        return answer

    def list(
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
        answer: KeyPage = self._ask(call)
        return answer

    def iterate(self, customer_id: str, *, limit: int | None = None) -> Iterator[KeyView]:
        """List a customer's keys, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(customer_id, limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def get(self, key_id: str) -> KeyView:
        """Show a key.

        `GET /api/keys/{keyId}`
        """
        call = Call("GET", path("/api/keys/{keyId}", key_id))
        answer: KeyView = self._ask(call)
        return answer

    def update(
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
        answer: KeyView = self._ask(call)
        return answer

    def rotate(
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
        answer: KeySecret = self._ask(call)
        return answer

    def delete(self, key_id: str, *, if_match: str | None = None) -> None:
        """Revoke a key for good.

        `DELETE /api/keys/{keyId}`
        """
        call = Call("DELETE", path("/api/keys/{keyId}", key_id), header={"If-Match": if_match})
        self._ask(call)


class TiersMethods(Group):
    """Methods about tiers."""

    def list(self) -> TierList:
        """List the project's tiers.

        `GET /api/tiers`
        """
        call = Call("GET", "/api/tiers")
        answer: TierList = self._ask(call)
        return answer

    def get(self, name: str) -> TierView:
        """Show a tier.

        `GET /api/tiers/{name}`
        """
        call = Call("GET", path("/api/tiers/{name}", name))
        answer: TierView = self._ask(call)
        return answer

    def create(
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
        answer: TierView = self._ask(call)
        return answer

    def update(
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
        answer: TierView = self._ask(call)
        return answer

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        """Remove a tier that nobody is on.

        `DELETE /api/tiers/{name}`
        """
        call = Call("DELETE", path("/api/tiers/{name}", name), header={"If-Match": if_match})
        self._ask(call)


class ProductsMethods(Group):
    """Methods about products."""

    def list_tiers(self) -> TierList:
        """List the project's tiers.

        `GET /api/tiers`
        """
        call = Call("GET", "/api/tiers")
        answer: TierList = self._ask(call)
        return answer

    def list(self) -> ProductList:
        """List the project's products.

        `GET /api/products`
        """
        call = Call("GET", "/api/products")
        answer: ProductList = self._ask(call)
        return answer

    def get(self, product: str) -> ProductView:
        """Show a product.

        `GET /api/products/{id}`
        """
        call = Call("GET", path("/api/products/{id}", product))
        answer: ProductView = self._ask(call)
        return answer

    def create(
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
        answer: ProductView = self._ask(call)
        return answer

    def update(
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
        answer: ProductView = self._ask(call)
        return answer

    def delete(self, product: str, *, if_match: str | None = None) -> None:
        """Delete a product.

        `DELETE /api/products/{id}`
        """
        call = Call("DELETE", path("/api/products/{id}", product), header={"If-Match": if_match})
        self._ask(call)

    def cart_checkout(
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
        answer: CartAnswer = self._ask(call)
        return answer


class BillingMethods(Group):
    """Methods about billing."""

    def create_checkout(
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
        answer: CheckoutAnswer = self._ask(call)
        return answer

    def open_portal(
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
        answer: PortalAnswer = self._ask(call)
        return answer


class OrdersMethods(Group):
    """Methods about orders."""

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> OrderPage:
        """List orders, newest first.

        `GET /api/orders`
        """
        call = Call("GET", "/api/orders", query={"limit": limit, "cursor": cursor})
        answer: OrderPage = self._ask(call)
        return answer

    def iterate(self, *, limit: int | None = None) -> Iterator[OrderView]:
        """List orders, newest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def get(self, order_id: str) -> OrderView:
        """Show an order.

        `GET /api/orders/{id}`
        """
        call = Call("GET", path("/api/orders/{id}", order_id))
        answer: OrderView = self._ask(call)
        return answer


class DashboardMethods(Group):
    """Methods about dashboard."""

    def get(self, *, limit: int | None = None, cursor: str | None = None) -> Dashboard:
        """Tell how a project does, with a page of its customers, oldest first.

        `GET /api/dashboard`
        """
        call = Call("GET", "/api/dashboard", query={"limit": limit, "cursor": cursor})
        answer: Dashboard = self._ask(call)
        return answer

    def get_totals(self) -> Totals:
        """Tell how a platform's projects do; with a secret key, its own project alone.

        `GET /api/dashboard/totals`
        """
        call = Call("GET", "/api/dashboard/totals")
        answer: Totals = self._ask(call)
        return answer

    def get_series(
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
        answer: SeriesView = self._ask(call)
        return answer


class AuthMethods(AuthPages, Group):
    """Methods about auth."""

    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:
        AuthPages.__init__(self, base_url, publishable_key)
        Group.__init__(self, ask)

    def exchange(self, *, code: str, redirect_url: str | None = None) -> SignedInView:
        """Exchange the code of a sign-in for the user's token.

        `POST /api/auth/exchange`
        """
        call = Call("POST", "/api/auth/exchange", body={"code": code, "redirectUrl": redirect_url})
        answer: SignedInView = self._ask(call)
        return answer


class WebhookEndpointsMethods(Group):
    """Methods about webhook endpoints."""

    def list(self) -> EndpointList:
        """List the project's webhook endpoints.

        `GET /api/webhook-endpoints`
        """
        call = Call("GET", "/api/webhook-endpoints")
        answer: EndpointList = self._ask(call)
        return answer

    def create(
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
        answer: EndpointSecret = self._ask(call)
        return answer

    def get(self, endpoint_id: str) -> EndpointView:
        """Show a webhook endpoint.

        `GET /api/webhook-endpoints/{id}`
        """
        call = Call("GET", path("/api/webhook-endpoints/{id}", endpoint_id))
        answer: EndpointView = self._ask(call)
        return answer

    def update(
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
        answer: EndpointView = self._ask(call)
        return answer

    def delete(self, endpoint_id: str, *, if_match: str | None = None) -> None:
        """Delete a webhook endpoint; what is on its way there is given up.

        `DELETE /api/webhook-endpoints/{id}`
        """
        call = Call(
            "DELETE",
            path("/api/webhook-endpoints/{id}", endpoint_id),
            header={"If-Match": if_match},
        )
        self._ask(call)

    def rotate(
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
        answer: EndpointSecret = self._ask(call)
        return answer

    def test(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Queued:
        """Send a webhook endpoint a message to try it.

        `POST /api/webhook-endpoints/{id}/test`
        """
        call = Call(
            "POST",
            path("/api/webhook-endpoints/{id}/test", endpoint_id),
            header={"Idempotency-Key": idempotency_key},
        )
        answer: Queued = self._ask(call)
        return answer

    def replay(
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
        answer: Replayed = self._ask(call)
        return answer


class WebhookMessagesMethods(Group):
    """Methods about webhook messages."""

    def list(
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
        answer: MessagePage = self._ask(call)
        return answer

    def iterate(
        self,
        *,
        limit: int | None = None,
        type_: str | None = None,
        endpoint_id: str | None = None,
        status: Literal["delivered", "failed", "pending"] | None = None,
    ) -> Iterator[MessageView]:
        """List webhook messages and their deliveries, newest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(
                limit=limit, type_=type_, endpoint_id=endpoint_id, status=status, cursor=cursor
            )
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def get(self, message_id: str) -> MessageView:
        """Show a webhook message and its deliveries.

        `GET /api/webhook-messages/{id}`
        """
        call = Call("GET", path("/api/webhook-messages/{id}", message_id))
        answer: MessageView = self._ask(call)
        return answer


class PlatformMethods(Group):
    """Methods about platform."""

    def sign_up(
        self, *, name: str | None = None, idempotency_key: str | None = None
    ) -> PlatformAnswer:
        """Register with a platform of one's own; any first call does.

        `POST /platform/sign-up`
        """
        call = Call(
            "POST",
            "/platform/sign-up",
            header={"Idempotency-Key": idempotency_key},
            body={"name": name},
        )
        answer: PlatformAnswer = self._ask(call)
        return answer

    def get(self) -> PlatformAnswer:
        """Show the platform, and who asks.

        `GET /platform`
        """
        call = Call("GET", "/platform")
        answer: PlatformAnswer = self._ask(call)
        return answer

    def update(self, *, name: str, if_match: str | None = None) -> PlatformAnswer:
        """Rename the platform.

        `PATCH /platform`
        """
        call = Call("PATCH", "/platform", header={"If-Match": if_match}, body={"name": name})
        answer: PlatformAnswer = self._ask(call)
        return answer

    def list(self) -> StandingList:
        """List the platforms that the developer has a part in.

        `GET /platform/platforms`
        """
        call = Call("GET", "/platform/platforms")
        answer: StandingList = self._ask(call)
        return answer

    def audit(self, *, limit: int | None = None, cursor: str | None = None) -> AuditPage:
        """List what was changed, newest first.

        `GET /platform/audit`
        """
        call = Call("GET", "/platform/audit", query={"limit": limit, "cursor": cursor})
        answer: AuditPage = self._ask(call)
        return answer

    def iterate_audit(self, *, limit: int | None = None) -> Iterator[AuditView]:
        """List what was changed, newest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.audit(limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def get_subscription(self) -> PlanView:
        """Show what the platform pays for its own plan.

        `GET /platform/subscription`
        """
        call = Call("GET", "/platform/subscription")
        answer: PlanView = self._ask(call)
        return answer

    def create_checkout(
        self, *, success_url: str | None = None, cancel_url: str | None = None
    ) -> PlanAnswer:
        """Begin to pay for the platform's own plan.

        `POST /platform/subscription`
        """
        call = Call(
            "POST",
            "/platform/subscription",
            body={"successUrl": success_url, "cancelUrl": cancel_url},
        )
        answer: PlanAnswer = self._ask(call)
        return answer

    def open_portal(self, *, return_url: str | None = None) -> PlanPortalAnswer:
        """Open the page where the platform's own plan is changed.

        `POST /platform/billing-portal`
        """
        call = Call("POST", "/platform/billing-portal", body={"returnUrl": return_url})
        answer: PlanPortalAnswer = self._ask(call)
        return answer


class MembersMethods(Group):
    """Methods about members."""

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> MemberPage:
        """List members, oldest first.

        `GET /platform/members`
        """
        call = Call("GET", "/platform/members", query={"limit": limit, "cursor": cursor})
        answer: MemberPage = self._ask(call)
        return answer

    def iterate(self, *, limit: int | None = None) -> Iterator[MemberView]:
        """List members, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def create(self, *, email: str, role: Role, idempotency_key: str | None = None) -> MemberView:
        """Let somebody in by their e-mail address.

        `POST /platform/members`
        """
        call = Call(
            "POST",
            "/platform/members",
            header={"Idempotency-Key": idempotency_key},
            body={"email": email, "role": role},
        )
        answer: MemberView = self._ask(call)
        return answer

    def update(self, member_id: str, *, role: Role, if_match: str | None = None) -> MemberView:
        """Change what a member may do.

        `PATCH /platform/members/{memberId}`
        """
        call = Call(
            "PATCH",
            path("/platform/members/{memberId}", member_id),
            header={"If-Match": if_match},
            body={"role": role},
        )
        answer: MemberView = self._ask(call)
        return answer

    def delete(self, member_id: str, *, if_match: str | None = None) -> None:
        """Remove a member.

        `DELETE /platform/members/{memberId}`
        """
        call = Call(
            "DELETE", path("/platform/members/{memberId}", member_id), header={"If-Match": if_match}
        )
        self._ask(call)


class ProjectsMethods(Group):
    """Methods about projects."""

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, deleted: bool | None = None
    ) -> ProjectPage:
        """List projects, oldest first.

        `GET /platform/projects`
        """
        call = Call(
            "GET",
            "/platform/projects",
            query={"limit": limit, "cursor": cursor, "deleted": deleted},
        )
        answer: ProjectPage = self._ask(call)
        return answer

    def iterate(
        self, *, limit: int | None = None, deleted: bool | None = None
    ) -> Iterator[ProjectView]:
        """List projects, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(limit=limit, deleted=deleted, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def create(
        self,
        *,
        name: str,
        type_: ProjectType | None = None,
        mode: Mode | None = None,
        default_tier: str | None = None,
        alignment: Alignment | None = None,
        origins: Sequence[str] | None = None,
        branding: BrandingShape | None = None,
        idempotency_key: str | None = None,
    ) -> ProjectAnswer:
        """Create a project; its secret key is shown only here.

        `POST /platform/projects`
        """
        call = Call(
            "POST",
            "/platform/projects",
            header={"Idempotency-Key": idempotency_key},
            body={
                "name": name,
                "type": type_,
                "mode": mode,
                "defaultTier": default_tier,
                "alignment": alignment,
                "origins": origins,
                "branding": branding,
            },
        )
        answer: ProjectAnswer = self._ask(call)
        return answer

    def get(self, project_id: str) -> ProjectView:
        """Show a project.

        `GET /platform/projects/{projectId}`
        """
        call = Call("GET", path("/platform/projects/{projectId}", project_id))
        answer: ProjectView = self._ask(call)
        return answer

    def update(
        self,
        project_id: str,
        *,
        name: str | None = None,
        type_: ProjectType | None = None,
        default_tier: str | None = None,
        alignment: Alignment | None = None,
        origins: Sequence[str] | None = None,
        branding: BrandingShape | None = None,
        if_match: str | None = None,
    ) -> ProjectView:
        """Change a project.

        `PATCH /platform/projects/{projectId}`
        """
        call = Call(
            "PATCH",
            path("/platform/projects/{projectId}", project_id),
            header={"If-Match": if_match},
            body={
                "name": name,
                "type": type_,
                "defaultTier": default_tier,
                "alignment": alignment,
                "origins": origins,
                "branding": branding,
            },
        )
        answer: ProjectView = self._ask(call)
        return answer

    def delete(self, project_id: str, *, if_match: str | None = None) -> None:
        """Delete a project; its keys stop at once.

        `DELETE /platform/projects/{projectId}`
        """
        call = Call(
            "DELETE",
            path("/platform/projects/{projectId}", project_id),
            header={"If-Match": if_match},
        )
        self._ask(call)

    def restore(self, project_id: str) -> ProjectView:
        """Bring a deleted project back, with its keys as they were.

        `POST /platform/projects/{projectId}/restore`
        """
        call = Call("POST", path("/platform/projects/{projectId}/restore", project_id))
        answer: ProjectView = self._ask(call)
        return answer

    def promote(
        self, project_id: str, *, idempotency_key: str | None = None, if_match: str | None = None
    ) -> ProjectAnswer:
        """Make a test project's live project like it, with keys of its own.

        `POST /platform/projects/{projectId}/promote`
        """
        call = Call(
            "POST",
            path("/platform/projects/{projectId}/promote", project_id),
            header={"Idempotency-Key": idempotency_key, "If-Match": if_match},
        )
        answer: ProjectAnswer = self._ask(call)
        return answer

    def replay_payment_events(
        self, project_id: str, *, event_ids: Sequence[str] | None = None
    ) -> Replayed:
        """Deal again with events of the payment provider that failed.

        `POST /platform/projects/{projectId}/payment-events/replay`
        """
        call = Call(
            "POST",
            path("/platform/projects/{projectId}/payment-events/replay", project_id),
            body={"eventIds": event_ids},
        )
        answer: Replayed = self._ask(call)
        return answer


class CredentialsMethods(Group):
    """Methods about credentials."""

    def list(
        self, project_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> CredentialPage:
        """List the project's own keys, oldest first.

        `GET /platform/projects/{projectId}/credentials`
        """
        call = Call(
            "GET",
            path("/platform/projects/{projectId}/credentials", project_id),
            query={"limit": limit, "cursor": cursor},
        )
        answer: CredentialPage = self._ask(call)
        return answer

    def iterate(self, project_id: str, *, limit: int | None = None) -> Iterator[CredentialView]:
        """List the project's own keys, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list(project_id, limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def create(
        self,
        project_id: str,
        *,
        name: str | None = None,
        expires_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> CredentialSecret:
        """Create a secret key; it is shown only here.

        `POST /platform/projects/{projectId}/credentials`
        """
        call = Call(
            "POST",
            path("/platform/projects/{projectId}/credentials", project_id),
            header={"Idempotency-Key": idempotency_key},
            body={"name": name, "expiresAt": expires_at},
        )
        answer: CredentialSecret = self._ask(call)
        return answer

    def rotate(
        self,
        project_id: str,
        key_id: str,
        *,
        grace_seconds: int | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> CredentialSecret:
        """Make a secret key that takes this one's place.

        `POST /platform/projects/{projectId}/credentials/{keyId}/rotate`
        """
        call = Call(
            "POST",
            path("/platform/projects/{projectId}/credentials/{keyId}/rotate", project_id, key_id),
            header={"Idempotency-Key": idempotency_key, "If-Match": if_match},
            body={"graceSeconds": grace_seconds},
        )
        answer: CredentialSecret = self._ask(call)
        return answer

    def delete(self, project_id: str, key_id: str, *, if_match: str | None = None) -> None:
        """Revoke a key for good.

        `DELETE /platform/projects/{projectId}/credentials/{keyId}`
        """
        call = Call(
            "DELETE",
            path("/platform/projects/{projectId}/credentials/{keyId}", project_id, key_id),
            header={"If-Match": if_match},
        )
        self._ask(call)

    def rotate_publishable_key(
        self,
        project_id: str,
        *,
        grace_seconds: int | None = None,
        idempotency_key: str | None = None,
    ) -> CredentialSecret:
        """Give the project another publishable key.

        `POST /platform/projects/{projectId}/publishable-key/rotate`
        """
        call = Call(
            "POST",
            path("/platform/projects/{projectId}/publishable-key/rotate", project_id),
            header={"Idempotency-Key": idempotency_key},
            body={"graceSeconds": grace_seconds},
        )
        answer: CredentialSecret = self._ask(call)
        return answer


class CatalogueMethods(Group):
    """Methods about catalogue."""

    def get(self, project_id: str) -> CatalogueView:
        """Show what is on sale at the payment provider, and whether it is all of it.

        `GET /platform/projects/{projectId}/catalogue`
        """
        call = Call("GET", path("/platform/projects/{projectId}/catalogue", project_id))
        answer: CatalogueView = self._ask(call)
        return answer

    def push(self, project_id: str) -> CatalogueView:
        """Have on sale at the payment provider what the project sells; repairs drift.

        `POST /platform/projects/{projectId}/catalogue`
        """
        call = Call("POST", path("/platform/projects/{projectId}/catalogue", project_id))
        answer: CatalogueView = self._ask(call)
        return answer

    def get_drift(self, project_id: str) -> DriftReport:
        """Ask the payment provider what it has otherwise.

        `GET /platform/projects/{projectId}/catalogue/drift`
        """
        call = Call("GET", path("/platform/projects/{projectId}/catalogue/drift", project_id))
        answer: DriftReport = self._ask(call)
        return answer


class ConnectionsMethods(Group):
    """Methods about connections."""

    def list(self) -> ConnectionList:
        """Show the platform's accounts.

        `GET /platform/connections`
        """
        call = Call("GET", "/platform/connections")
        answer: ConnectionList = self._ask(call)
        return answer

    def authorize(
        self,
        *,
        mode: Literal["live", "test"],
        return_url: str | None = None,
        redirect_url: str | None = None,
    ) -> ConnectAnswer:
        """Begin to connect an account that the developer has.

        `POST /oauth/authorize`
        """
        call = Call(
            "POST",
            "/oauth/authorize",
            body={"mode": mode, "returnUrl": return_url, "redirectUrl": redirect_url},
        )
        answer: ConnectAnswer = self._ask(call)
        return answer

    def complete(self, *, code: str, state: str) -> ConnectionView:
        """End it with the token of the developer who began it.

        `POST /oauth/callback`
        """
        call = Call("POST", "/oauth/callback", body={"code": code, "state": state})
        answer: ConnectionView = self._ask(call)
        return answer

    def onboard(self, mode: str, *, return_url: str, refresh_url: str) -> OnboardingAnswer:
        """Make an account for a developer who has none, or go on with theirs.

        `POST /platform/connections/{mode}/onboarding`
        """
        call = Call(
            "POST",
            path("/platform/connections/{mode}/onboarding", mode),
            body={"returnUrl": return_url, "refreshUrl": refresh_url},
        )
        answer: OnboardingAnswer = self._ask(call)
        return answer

    def refresh(self, mode: str) -> ConnectionView:
        """Ask the provider how the account is.

        `POST /platform/connections/{mode}/refresh`
        """
        call = Call("POST", path("/platform/connections/{mode}/refresh", mode))
        answer: ConnectionView = self._ask(call)
        return answer

    def delete(self, mode: str) -> None:
        """Disconnect the account; what is known of it stays.

        `DELETE /platform/connections/{mode}`
        """
        call = Call("DELETE", path("/platform/connections/{mode}", mode))
        self._ask(call)


class OperatorMethods(Group):
    """Methods about operator."""

    def get_overview(self) -> Overview:
        """Tell how the gateway does: platforms, stores, workers, upstreams.

        `GET /operator/overview`
        """
        call = Call("GET", "/operator/overview")
        answer: Overview = self._ask(call)
        return answer

    def list_platforms(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> PlatformPage:
        """List platforms, oldest first.

        `GET /operator/platforms`
        """
        call = Call("GET", "/operator/platforms", query={"limit": limit, "cursor": cursor})
        answer: PlatformPage = self._ask(call)
        return answer

    def iterate_platforms(self, *, limit: int | None = None) -> Iterator[PlatformView]:
        """List platforms, oldest first, page after page of `limit` each."""
        cursor: str | None = None
        while True:
            page = self.list_platforms(limit=limit, cursor=cursor)
            yield from page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def suspend_platform(self, platform_id: str) -> PlatformView:
        """Refuse a platform's keys and changes, until it is resumed.

        `POST /operator/platforms/{platformId}/suspend`
        """
        call = Call("POST", path("/operator/platforms/{platformId}/suspend", platform_id))
        answer: PlatformView = self._ask(call)
        return answer

    def resume_platform(self, platform_id: str) -> PlatformView:
        """Let a platform's keys work again.

        `POST /operator/platforms/{platformId}/resume`
        """
        call = Call("POST", path("/operator/platforms/{platformId}/resume", platform_id))
        answer: PlatformView = self._ask(call)
        return answer


class StatusMethods(Group):
    """Methods about status."""

    def health(self) -> Alive:
        """Tell that the process is alive.

        `GET /health`
        """
        call = Call("GET", "/health")
        answer: Alive = self._ask(call)
        return answer

    def ready(self) -> Readiness:
        """Tell whether this worker can serve.

        `GET /ready`
        """
        call = Call("GET", "/ready")
        answer: Readiness = self._ask(call)
        return answer


class Methods(Group):
    """All methods, by what they are about."""

    def __init__(self, ask: Ask, base_url: str, publishable_key: str | None) -> None:
        super().__init__(ask)
        self.usage = UsageMethods(ask)
        self.customers = CustomersMethods(ask)
        self.keys = KeysMethods(ask)
        self.tiers = TiersMethods(ask)
        self.products = ProductsMethods(ask)
        self.billing = BillingMethods(ask)
        self.orders = OrdersMethods(ask)
        self.dashboard = DashboardMethods(ask)
        self.auth = AuthMethods(ask, base_url, publishable_key)
        self.webhook_endpoints = WebhookEndpointsMethods(ask)
        self.webhook_messages = WebhookMessagesMethods(ask)
        self.platform = PlatformMethods(ask)
        self.members = MembersMethods(ask)
        self.projects = ProjectsMethods(ask)
        self.credentials = CredentialsMethods(ask)
        self.catalogue = CatalogueMethods(ask)
        self.connections = ConnectionsMethods(ask)
        self.operator = OperatorMethods(ask)
        self.status = StatusMethods(ask)

    def verify(
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
        answer: VerifyAnswer = self._ask(call)
        return answer
