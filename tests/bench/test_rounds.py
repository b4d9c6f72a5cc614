"""Which rounds count, what their medians are, and how wrk's words are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.load.rounds import kept, quiet_rounds, results
from bench.load.wrk import Job, Seen, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.load.rounds import Run


def test_what_wrk_printed_is_read_from_among_its_own_words() -> None:
    line = '{"requests": 10, "seconds": 2.0, "failed": 1, "p50": 1.5, "p99": 2, "p999": 3}'
    seen = parse(f"Running 2s test\n  1 threads\n{line}\n")
    assert seen == Seen(10, 2.0, 1, 1.5, 2, 3)
    assert seen.rate == 5.0
    with pytest.raises(ValueError, match="nothing"):
        parse("unable to connect\n")


def test_each_token_takes_a_turn(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("a\nb\nc\n")
    assert Job("http://127.0.0.1:1/", tokens=tokens).turns == 3
    assert Job("http://127.0.0.1:1/").turns == 1


def test_a_round_in_which_a_yardstick_was_off_is_dropped() -> None:
    rates = {"a": [100.0, 101.0, 50.0, 99.0], "b": [10.0, 10.0, 10.0, 13.0]}
    assert quiet_rounds(rates) == [0, 1]


def test_all_rounds_count_if_none_was_quiet() -> None:
    assert quiet_rounds({"a": [1.0, 10.0]}) == [0, 1]


def test_only_yardsticks_tell_which_rounds_count(made_run: Callable[..., Run]) -> None:
    yardstick = made_run("nginx", 100, 100, 40, 101)
    peer = made_run("peer", 1, 70, 70, 70, yardstick="nginx")
    assert kept([yardstick, peer]) == [0, 1, 3]


def test_a_result_is_the_median_of_the_rounds_that_count(made_run: Callable[..., Run]) -> None:
    yardstick = made_run("nginx", 100, 100, 40, 101)
    peer = made_run("peer", 60, 70, 9_000, 80, yardstick="nginx")
    first, second = results([yardstick, peer])
    assert (first.rate, first.ratio) == (100, None)
    assert (second.rate, second.ratio) == (70, 0.7)
    assert second.cpu == pytest.approx(0.5 / 70 * 1e6)
    assert second.failed == 3
    assert (second.memory_mb, second.process_mb) == (6e-6, 4e-6)


def test_who_saw_nothing_has_no_rate(made_run: Callable[..., Run]) -> None:
    (only,) = results([made_run("down", 0, 0, yardstick="nginx")])
    assert (only.rate, only.ratio) == (0, None)
