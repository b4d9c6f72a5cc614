"""What goes wrong with a call: one tree, by what the caller can do about it."""

from __future__ import annotations

from typing import Any


class DreamError(Exception):
    """The root. `code` is stable (docs/reference/errors.md); `status` is 0 where nothing answered.

    `retry_after` is seconds, where waiting helps; `problem` is all that the answer said.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "unknown",
        request_id: str | None = None,
        retry_after: float | None = None,
        problem: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.problem = problem or {}

    def __str__(self) -> str:
        named = "" if self.request_id is None else f" (request {self.request_id})"
        return f"{self.status} {self.code}: {self.message}{named}"


class ConnectionFailedError(DreamError):
    """No answer: the connection failed, or broke. The call may have been heard."""


class TimedOutError(ConnectionFailedError):
    """No answer in time. The call may have been heard."""


class BadAnswerError(DreamError):
    """An answer that is none of the gateway's: something else is at this address."""


class InvalidRequestError(DreamError):
    """400 and 422: `errors` names each fault by its JSON pointer."""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The faults, each with `pointer` and `detail`."""
        found: list[dict[str, Any]] = self.problem.get("errors", [])
        return found


class AuthenticationError(DreamError):
    """401: the key or token is none that works."""


class PermissionDeniedError(DreamError):
    """403: it may not do that."""


class NotFoundError(DreamError):
    """404: not there, or not yours."""


class ConflictError(DreamError):
    """409: it clashes with what is there."""


class PreconditionFailedError(DreamError):
    """412: it was changed meanwhile."""


class LimitError(DreamError):
    """429: a limit said no, and nothing was counted."""


class QuotaExceededError(LimitError):
    """The units of the period are used up."""


class RateLimitedError(LimitError):
    """Requests come faster than the rate allows."""


class ServerError(DreamError):
    """500 and up: the gateway, or what it needs, failed."""


_BY_CODE: dict[str, type[DreamError]] = {
    "quota_exceeded": QuotaExceededError,
    "rate_limited": RateLimitedError,
}
_BY_STATUS: dict[int, type[DreamError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    422: InvalidRequestError,
    429: LimitError,
}


def error_class(status: int, code: str) -> type[DreamError]:
    """Return the class of a refusal."""
    general = ServerError if status >= 500 else DreamError
    return _BY_CODE.get(code) or _BY_STATUS.get(status, general)
