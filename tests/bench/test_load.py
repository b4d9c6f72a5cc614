"""How the load bench reads, drops and tells, without any load."""

from __future__ import annotations

import json

import pytest
from bench.load.report import as_json, plot, table
from bench.load.rounds import Result, quiet_rounds
from bench.load.wrk import Seen, parse


def test_what_wrk_printed_is_read_from_among_its_own_words() -> None:
    line = '{"requests": 10, "seconds": 2.0, "failed": 1, "p50": 1.5, "p99": 2, "p999": 3}'
    seen = parse(f"Running 2s test\n  1 threads\n{line}\n")
    assert seen == Seen(10, 2.0, 1, 1.5, 2, 3)
    assert seen.rate == 5.0
    with pytest.raises(ValueError, match="nothing"):
        parse("unable to connect\n")


def test_a_round_in_which_a_yardstick_was_off_is_dropped() -> None:
    rates = {"a": [100.0, 101.0, 50.0, 99.0], "b": [10.0, 10.0, 10.0, 13.0]}
    assert quiet_rounds(rates) == [0, 1]
    assert quiet_rounds({"a": [1.0, 10.0]}) == [0, 1]


def results() -> list[Result]:
    return [
        Result("nginx", "proxy", "no keys", 1000.0, None, 5, 1, 2, 3, 10, 0.1, 0),
        Result("dream-gateway <x>", "proxy", "exact", 700.0, 0.7, 9, 1, 2, 3, 70, 0.5, 2),
    ]


def test_the_report_is_for_people_and_programs() -> None:
    lines = table(results()).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "| 700 | 0.70 |" in lines[3]
    assert json.loads(as_json(results()))[1]["ratio"] == 0.7
    svg = plot(results())
    assert svg.count("<rect ") == 2
    assert "&lt;x&gt;" in svg
