"""A gateway that takes money, on a fake Stripe that is shared by the tests of a file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.billing.test_kills import victim  # noqa: F401 # a fixture for the others, too
from tests.billing.till import opened

from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.billing.till import Till

START = 1_790_000_000.0


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture(scope="module")
def fake(clock: FakeClock) -> Iterator[FakeStripe]:
    with FakeStripe(clock=clock) as each:
        yield each


@pytest.fixture
async def till(
    fake: FakeStripe, clock: FakeClock, migrated: Path, tmp_path: Path
) -> AsyncIterator[Till]:
    """A gateway of the test's own, with a project that sells tiers."""
    path = shutil.copy(migrated, tmp_path / "gateway.db")
    async with opened(fake, clock, f"sqlite:///{path}") as each:
        yield each
