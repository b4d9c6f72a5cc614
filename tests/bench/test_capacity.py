"""The simulation of what a ledger sees: exact, the same each time, and less than a claim a request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bench.capacity import HEAD, Load, loads, main, row, simulate

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


GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "capacity.md"


def told() -> dict[Load, str]:
    """Return the rows of the guide, by the load that each is of."""
    rows = [
        line for line in GUIDE.read_text().splitlines() if line.startswith("| ") and "%" in line
    ]
    return dict(zip(loads(), rows, strict=True))


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(load, marks=[] if load.rate <= 1_000 else pytest.mark.long)
        for load in loads()
        if load.rate <= 10_000
    ],
)
async def test_the_guide_says_what_the_command_prints(load: Load) -> None:
    assert row(await simulate(load)) == told()[load]


def test_what_a_core_does_is_what_was_measured() -> None:
    measured = (GUIDE.parents[1] / "performance" / "load.md").read_text()
    table = GUIDE.read_text().partition("## Nodes")[2].partition("##")[0]
    figures = re.findall(r"\d{2,3},\d{3}", table)
    assert len(figures) >= 7
    assert [figure for figure in figures if f"| {figure} |" not in measured] == []
