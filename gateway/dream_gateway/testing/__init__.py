"""For authors of backends: the contract's conformance suites, and a clock to test with.

Subclass a contract in a test module, override the fixtures it names, and run it with pytest and
its asyncio mode `auto`:

    class TestMyLedger(LedgerContract):
        @pytest.fixture
        def open_ledger(self, tmp_path):
            ...
"""

import pytest

pytest.register_assert_rewrite(
    "dream_gateway.testing.feed",
    "dream_gateway.testing.kv",
    "dream_gateway.testing.ledger_events",
    "dream_gateway.testing.ledger_history",
    "dream_gateway.testing.ledger_machine",
    "dream_gateway.testing.ledger_quotas",
    "dream_gateway.testing.ledger_races",
    "dream_gateway.testing.ledger_rates",
)

# isort: split
# What follows is imported after its asserts were announced for rewriting.
from dream_gateway.testing.clock import FakeClock  # noqa: E402
from dream_gateway.testing.feed import FeedContract  # noqa: E402
from dream_gateway.testing.kv import KeyValueContract  # noqa: E402
from dream_gateway.testing.ledger import LedgerContract, Shared  # noqa: E402

__all__ = ["FakeClock", "FeedContract", "KeyValueContract", "LedgerContract", "Shared"]
