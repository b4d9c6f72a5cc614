"""A cache over a source that has a value under every leaf."""

from __future__ import annotations

import pytest
from tests.cache.source import OPTIONS, Bench, bench_of


@pytest.fixture
def bench() -> Bench:
    return bench_of(OPTIONS)
