"""What every failure looks like."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class ProblemView(Struct, rename="camel", kw_only=True):
    """A problem (RFC 9457). `error` and `message` say `code` and `detail` again."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | UnsetType = UNSET
    code: str
    request_id: str
    error: str
    message: str
    errors: list[dict[str, Any]] | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    usage_count: int | UnsetType = UNSET
    limit: int | UnsetType | None = UNSET
