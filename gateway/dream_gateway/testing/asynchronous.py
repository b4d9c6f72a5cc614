"""Coroutines as tests and fixtures, in whichever mode the author has pytest-asyncio."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import Callable


class AsyncTests:
    """Runs the coroutine tests of its subclasses, each on a loop of its own.

    Nothing has to be configured for that.
    """

    def __init_subclass__(cls, **named: Any) -> None:
        """Mark the tests that a class adds."""
        super().__init_subclass__(**named)
        for name, test in vars(cls).items():
            if name.startswith("test") and iscoroutinefunction(test):
                pytest.mark.asyncio(loop_scope="function")(test)


def async_fixture(function: Callable[..., Any]) -> Any:
    """Make a fixture of a coroutine function, or of an asynchronous generator, on a test's own loop."""
    return pytest_asyncio.fixture(loop_scope="function")(function)
