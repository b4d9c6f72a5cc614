"""Every failure a user can meet: one tree, each with a code, an HTTP status and a public sentence.

The sentence is safe to show to anyone. `detail` says what is wrong this time, and is public too:
never put a secret, SQL or a driver's text in it; chain the cause with `raise ... from exc` instead.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """The root. `code` is stable; `docs/reference/errors.md` says what to do about each."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The gateway failed to handle this request."

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: float | None = None,
        extra: dict[str, object] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.extra = extra or {}
        self.headers = headers


class CredentialError(GatewayError):
    """Nobody we know: the body is the same for every cause, so that it teaches nothing."""

    status = 401


class MissingCredentialError(CredentialError):
    """The request has no key where one is looked for."""

    code = "missing_credential"
    title = "This request needs an API key."


class InvalidCredentialError(CredentialError):
    """The key is malformed, unknown, disabled, revoked or expired; the log says which."""

    code = "invalid_credential"
    title = "The API key is not valid."


class ForbiddenError(GatewayError):
    """Known, but not allowed."""

    code = "forbidden"
    status = 403
    title = "This credential may not do that."


class InsufficientScopeError(ForbiddenError):
    """The key lacks a scope that the route asks for."""

    code = "insufficient_scope"
    title = "The API key lacks a scope this request needs."


class IpDeniedError(ForbiddenError):
    """The caller's address is not in the key's list."""

    code = "ip_denied"
    title = "The API key may not be used from this address."


class PlatformSuspendedError(ForbiddenError):
    """The platform that owns this project is suspended."""

    code = "platform_suspended"
    title = "This API's platform is suspended."


class CustomerSuspendedError(ForbiddenError):
    """The developer has suspended this customer."""

    code = "customer_suspended"
    title = "This customer is suspended."


class TenantMismatchError(ForbiddenError):
    """The token names another project than the publishable key beside it, or none."""

    code = "tenant_mismatch"
    title = "The token is not for this project."


class UnknownTierError(ForbiddenError):
    """The customer is on a tier that the project does not have."""

    code = "unknown_tier"
    title = "The customer's tier does not exist."


class LimitError(GatewayError):
    """A limit said no. Nothing was consumed."""

    status = 429


class QuotaExceededError(LimitError):
    """The units of this period are used up."""

    code = "quota_exceeded"
    title = "The quota of this period is used up."


class RateLimitedError(LimitError):
    """Too fast for the rate that applies."""

    code = "rate_limited"
    title = "Requests come faster than the rate limit allows."


class BadRequestError(GatewayError):
    """The request cannot be read."""

    code = "bad_request"
    status = 400
    title = "The request cannot be read."


class InvalidCodeError(GatewayError):
    """A one-time code that cannot be exchanged; the body is the same for every cause."""

    code = "invalid_code"
    status = 400
    title = "The code is unknown, used, expired, or not of this project."


class InvalidRequestError(GatewayError):
    """The request can be read, and some of its values are wrong: `errors` names each."""

    code = "invalid_request"
    status = 422
    title = "The request has invalid values."


class NotFoundError(GatewayError):
    """Not there, or not yours."""

    code = "not_found"
    status = 404
    title = "There is no such thing here."


class MethodNotAllowedError(GatewayError):
    """The path exists, with other methods."""

    code = "method_not_allowed"
    status = 405
    title = "This path does not support the method."


class ConflictError(GatewayError):
    """It clashes with what is there."""

    code = "conflict"
    status = 409
    title = "The request conflicts with what is there."


class IdempotencyConflictError(ConflictError):
    """The idempotency key of a usage event was used for another event."""

    code = "idempotency_conflict"
    title = "The idempotency key was used for a different request."


class IdempotencyMismatchError(GatewayError):
    """The idempotency key was used with other parameters."""

    code = "idempotency_mismatch"
    status = 422
    title = "The idempotency key was used with different parameters."


class VoidExceedsError(ConflictError):
    """More would be taken back than the event charged."""

    code = "void_exceeds_event"
    title = "An event cannot be undone by more than it charged."


class PreconditionFailedError(GatewayError):
    """`If-Match` names another version."""

    code = "precondition_failed"
    status = 412
    title = "It was changed meanwhile."


class BodyTooLargeError(GatewayError):
    """The body is larger than the limit of this route."""

    code = "body_too_large"
    status = 413
    title = "The request body is too large."


class HeadTooLargeError(GatewayError):
    """The request's line and header fields are longer than the gateway takes."""

    code = "head_too_large"
    status = 431
    title = "The request's header fields are too large."


class RequestTimeoutError(GatewayError):
    """The client took too long to send its request."""

    code = "request_timeout"
    status = 408
    title = "The request did not arrive in time."


class UnknownCodingError(GatewayError):
    """The body is in a transfer coding other than `chunked` (RFC 9112 6.1)."""

    code = "unknown_transfer_coding"
    status = 501
    title = "The gateway takes bodies in the transfer coding chunked, and no other."


class UpstreamError(GatewayError):
    """The API behind the gateway failed."""

    code = "upstream_failed"
    status = 502
    title = "The API behind the gateway did not answer properly."


class UpstreamUnreachableError(UpstreamError):
    """No connection to the API behind the gateway."""

    code = "upstream_unreachable"
    title = "The API behind the gateway cannot be reached."


class UpstreamTimeoutError(UpstreamError):
    """The API behind the gateway took too long."""

    code = "upstream_timeout"
    status = 504
    title = "The API behind the gateway took too long to answer."


class StoreUnavailableError(GatewayError):
    """The store is out of reach, locked, full or broken; nothing was changed."""

    code = "store_unavailable"
    status = 503
    title = "Usage cannot be checked right now; nothing was charged."


class IdentityUnavailableError(GatewayError):
    """The identity provider is out of reach, and what is known of it does not do."""

    code = "identity_unavailable"
    status = 503
    title = "The identity provider cannot be reached right now."


class BillingNotConfiguredError(GatewayError):
    """No plugin takes customers' money."""

    code = "billing_not_configured"
    status = 501
    title = "This gateway takes no payments."


class WebhooksNotConfiguredError(GatewayError):
    """There is no key to seal webhooks' secrets with."""

    code = "webhooks_not_configured"
    status = 501
    title = "This gateway sends no webhooks: its operator has not set encryption_keys."


class BillingUnavailableError(GatewayError):
    """The payment provider is out of reach; nothing was ordered."""

    code = "billing_unavailable"
    status = 503
    title = "The payment provider cannot be reached right now."


class BillingAccountError(GatewayError):
    """The account that is to get the money is not connected, or may not take any yet."""

    code = "billing_account_missing"
    status = 409
    title = "No account that can take payments is connected."


class OverloadedError(GatewayError):
    """Too many others wait for the same; nothing was done."""

    code = "overloaded"
    status = 503
    title = "Too many requests are waiting; try again in a moment."


class ShuttingDownError(GatewayError):
    """The worker that got the request is stopping."""

    code = "shutting_down"
    status = 503
    title = "This gateway is shutting down."


class OperatorError(GatewayError):
    """Something the person who runs the gateway has to set right; printed in one line."""

    code = "operator_error"
    title = "The gateway cannot run like this."


class ConfigurationError(OperatorError):
    """A setting, URL or file is wrong."""

    code = "configuration_error"
    title = "The configuration is wrong."


class MissingExtraError(ConfigurationError):
    """A plugin needs a package that is not installed."""

    code = "missing_extra"
    title = "A package this plugin needs is not installed."


class SchemaTooNewError(OperatorError):
    """The database was written by a newer version of the gateway."""

    code = "schema_too_new"
    title = "The database belongs to a newer version of the gateway."


class EncryptionKeyMissingError(OperatorError):
    """A secret was sealed with a key that is not among the settings."""

    code = "encryption_key_missing"
    title = "A key that stored secrets are sealed with is missing."


class SealBrokenError(OperatorError):
    """A sealed secret was changed, or belongs to another place."""

    code = "seal_broken"
    title = "A stored secret is damaged, or is not where it was sealed for."


class StoreNotFoundError(OperatorError):
    """The store's file is not there, and this command makes none."""

    code = "store_not_found"
    title = "There is no store there."


class StoreCorruptError(OperatorError):
    """The store's file is damaged or is not a database."""

    code = "store_corrupt"
    title = "The store's file is damaged or is not a database."


class NotReloadableError(ConfigurationError):
    """A setting changed that workers beside each other must agree on."""

    code = "not_reloadable"
    title = "The gateway has to be started again for this change."


class AddressInUseError(OperatorError):
    """Another program listens on the address."""

    code = "address_in_use"
    title = "Another program listens on that address."
