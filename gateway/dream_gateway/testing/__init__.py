"""For authors of backends: the contract as a test suite, real faults, and a clock to test with.

One class runs everything that a backend's roles ask for:

    from dream_gateway.testing import BackendContract

    class TestMine(BackendContract):
        @pytest.fixture
        def new_url(self, tmp_path):
            numbers = itertools.count()
            return lambda: f"mine://{tmp_path}/{next(numbers)}"

It needs what `pip install 'dream-gateway[testing]'` brings, no configuration, and the backend
installed (`pip install -e .`), since stores are opened by the schemes of their URLs. The contracts of
single roles (`LedgerContract`, `KeyValueContract`, `FeedContract`) can be used by themselves. A
coroutine fixture of your own is an `async_fixture`, whatever mode pytest-asyncio is in.
"""

import pytest

pytest.register_assert_rewrite(
    "dream_gateway.testing.backend",
    "dream_gateway.testing.durability",
    "dream_gateway.testing.faults",
    "dream_gateway.testing.feed",
    "dream_gateway.testing.kv",
    "dream_gateway.testing.ledger_events",
    "dream_gateway.testing.ledger_history",
    "dream_gateway.testing.ledger_machine",
    "dream_gateway.testing.ledger_quotas",
    "dream_gateway.testing.ledger_races",
    "dream_gateway.testing.ledger_rates",
    "dream_gateway.testing.records",
)

# isort: split
# What follows is imported after its asserts were announced for rewriting.
from dream_gateway.testing.asynchronous import AsyncTests, async_fixture  # noqa: E402
from dream_gateway.testing.backend import BackendContract  # noqa: E402
from dream_gateway.testing.clock import FakeClock  # noqa: E402
from dream_gateway.testing.faults import FaultContract  # noqa: E402
from dream_gateway.testing.feed import FeedContract  # noqa: E402
from dream_gateway.testing.kv import KeyValueContract  # noqa: E402
from dream_gateway.testing.ledger import LedgerContract, Shared  # noqa: E402
from dream_gateway.testing.records import RecordsContract  # noqa: E402
from dream_gateway.testing.wire import Wire, open_wire  # noqa: E402

__all__ = [
    "AsyncTests",
    "BackendContract",
    "FakeClock",
    "FaultContract",
    "FeedContract",
    "KeyValueContract",
    "LedgerContract",
    "RecordsContract",
    "Shared",
    "Wire",
    "async_fixture",
    "open_wire",
]
