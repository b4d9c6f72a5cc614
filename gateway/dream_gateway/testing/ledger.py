"""What every `Ledger` must do: the contract of `dream_gateway.storage`, sentence by sentence."""

from __future__ import annotations

from dream_gateway.testing.ledger_events import EventContract
from dream_gateway.testing.ledger_history import HistoryContract
from dream_gateway.testing.ledger_machine import MachineContract
from dream_gateway.testing.ledger_quotas import QuotaContract
from dream_gateway.testing.ledger_races import RaceContract, Shared
from dream_gateway.testing.ledger_rates import RateContract

__all__ = ["LedgerContract", "Shared"]


class LedgerContract(
    QuotaContract, RateContract, EventContract, HistoryContract, MachineContract, RaceContract
):
    """Override `open_ledger`; and `shared`, if several processes may use one store."""
