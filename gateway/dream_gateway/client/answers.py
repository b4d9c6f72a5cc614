"""Answers read: JSON with the fields that came with it, or the error that it is."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.client.errors import BadAnswerError, DreamError, error_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx


class Answer(dict[str, Any]):
    """The JSON object that was the answer, and its header fields."""

    def __init__(self, value: dict[str, Any], fields: Mapping[str, str]) -> None:
        super().__init__(value)
        self.fields = fields


def etag(answer: Mapping[str, Any]) -> str | None:
    """Return the version of what a method answered with, for `if_match`."""
    return answer.fields.get("etag") if isinstance(answer, Answer) else None


def read(response: httpx.Response) -> Answer | None:
    """Return what a success says, `None` if it is without content. Raises `BadAnswerError`."""
    if response.status_code == 204:
        return None
    value = _json(response)
    if value is None:
        raise BadAnswerError(
            "The answer is no JSON object: something else than a gateway is at this address.",
            status=response.status_code,
            code="unreadable_answer",
            request_id=response.headers.get("x-request-id"),
        )
    return Answer(value, response.headers)


def failure(response: httpx.Response, now: float) -> DreamError:
    """Return the error that a response is (RFC 9457); `now` is what a date to wait for is after."""
    problem = _json(response) or {}
    status = response.status_code
    code = str(problem.get("code", f"http_{status}"))
    return error_class(status, code)(
        str(problem.get("detail") or response.reason_phrase),
        status=status,
        code=code,
        request_id=problem.get("requestId") or response.headers.get("x-request-id"),
        retry_after=_retry_after(response.headers.get("retry-after"), now),
        problem=problem,
    )


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return None


def _retry_after(text: str | None, now: float) -> float | None:
    """Return seconds of a `Retry-After` field: a number of them, or a date (RFC 9110 10.2.3)."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds())
