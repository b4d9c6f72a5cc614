"""What the endpoints about the gateway itself write."""

from __future__ import annotations

from typing import Any, Literal

from dream_gateway.service.values import Shape


class Alive(Shape):
    """The process answers."""

    status: Literal["ok"]


class Part(Shape, omit_defaults=True):
    """One thing the gateway needs."""

    ok: bool
    detail: str | None = None


class Readiness(Shape):
    """Whether this worker can serve, and which part of it cannot."""

    ready: bool
    parts: dict[str, Part]


class Document(Shape):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
