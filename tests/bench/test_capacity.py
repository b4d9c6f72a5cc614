"""The simulation of what a ledger sees: exact, the same each time, and less than a claim a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.capacity import HEAD, Load, loads, main, row, simulate

if TYPE_CHECKING:
    import pytest

LEASED = Load(1, 500, 20)


async def test_it_is_the_same_each_time_and_leases_save_claims() -> None:
    seen = await simulate(LEASED, 2)
    assert seen == await simulate(LEASED, 2)
    strict = await simulate(Load(1, 500, 20, strict=True), 2)
    assert seen.claims < strict.claims <= 500
    assert strict.warm == 0 < seen.warm < 1


async def test_what_is_asked_for_seldom_costs_a_claim_each() -> None:
    few, many = await simulate(Load(1, 500, 1), 2), await simulate(Load(1, 500, 5_000), 2)
    assert few.requests_per_claim > 5 > many.requests_per_claim


async def test_rows_have_a_cell_for_each_heading() -> None:
    seen = await simulate(LEASED, 1)
    assert row(seen).count("|") == HEAD.splitlines()[0].count("|")


def test_every_part_of_the_table_differs() -> None:
    table = list(loads())
    assert len(set(table)) == len(table)


def test_the_command_prints_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.capacity.loads", lambda: iter([LEASED]))
    main(["--seconds", "1"])
    assert capsys.readouterr().out.splitlines()[2].startswith("| 1 | 500 | 20 | leases |")
