"""The service's document, and what of it somebody with a project's key or a user's token may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from codegen.document import document as made

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDERS = {"secretKey", "publishableKey", "userToken"}
"""The security schemes of those that the SDKs are for."""


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return made()


def operations(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield each operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield (method.upper(), path), operation


def for_keys(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the routes that a key or an end user's token may call."""
    return {
        route
        for route, operation in operations(document)
        if HOLDERS & {name for each in operation["security"] for name in each}
    }
