"""Failures: those that Stripe's API tells of, and those that a test asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class StripeFault(Exception):  # noqa: N818
    """A request is refused, in Stripe's words."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"type": type, "message": message, "code": code, "param": param}
        self.body: dict[str, Any] = {"error": {k: v for k, v in fields.items() if v is not None}}


def missing(noun: str, id_: str, param: str = "id") -> StripeFault:
    """Return the refusal of an id that is not there."""
    return StripeFault(f"No such {noun}: '{id_}'", status=404, code="resource_missing", param=param)


def declined(message: str = "Your card was declined.") -> StripeFault:
    """Return the refusal of a card."""
    return StripeFault(message, status=402, type="card_error", code="card_declined")


class OAuthFault(Exception):  # noqa: N818
    """A request about connecting is refused, in OAuth's words."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


class Moment(StrEnum):
    """When something goes wrong: before anything was done, or when all was, and the answer is lost."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Trouble:
    """Requests that are to fail: with a status, or with the connection closed if that is 0."""

    path: str
    times: int
    status: int
    moment: Moment
    method: str = "post"
