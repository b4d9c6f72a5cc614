"""The numbers of workers in their node's folder: added up, and never less, whoever dies when."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dream_gateway import metrics
from dream_gateway.metrics import Histogram, HistogramValue, lasting, merged
from dream_gateway.telemetry.node import Node

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.metrics import Readings

VERDICTS, LEASED = metrics.VERDICTS.name, metrics.LEASED.name
ALLOWED = ("allowed", "")


def readings(number: int) -> Readings:
    """Return something of each kind."""
    spread = HistogramValue((number,) * (len(metrics.SECONDS) + 1), float(number))
    return {
        VERDICTS: {ALLOWED: number},
        LEASED: {(): number},
        metrics.LEDGER_CALLS.name: {("take",): spread},
    }


def die(node: Node) -> None:
    """Let go of the lock as a killed process does."""
    assert node._alive is not None
    os.close(node._alive)
    node._alive = None


def seen(node: Node) -> tuple[object, object, object]:
    told = node.read()
    died = told.get(metrics.DEATHS.name, {}).get((), 0)
    return told[VERDICTS][ALLOWED], told.get(LEASED, {}).get((), 0), died


def test_one_tells_of_all(tmp_path: Path) -> None:
    nodes = [Node(tmp_path / "n", name) for name in "abc"]
    for number, node in enumerate(nodes, 1):
        node.write(readings(number))
    assert [seen(node) for node in nodes] == [(6, 6, 0)] * 3
    told = nodes[0].read()[metrics.LEDGER_CALLS.name][("take",)]
    assert told == HistogramValue((6,) * (len(metrics.SECONDS) + 1), 6.0)


def test_what_a_dead_worker_counted_stays_and_what_it_held_does_not(tmp_path: Path) -> None:
    first, second = Node(tmp_path / "n", "a"), Node(tmp_path / "n", "b")
    first.write(readings(5))
    second.write(readings(7))
    die(first)
    assert [seen(second), seen(second)] == [(12, 7, 1)] * 2
    assert sorted(path.name for path in (tmp_path / "n").glob("a.*")) == []
    second.write(readings(8), ended=True)
    third = Node(tmp_path / "n", "c")
    third.write(readings(1))
    assert [seen(third), seen(third)] == [(14, 1, 1)] * 2


@pytest.mark.parametrize("call", ["unlink", "rename"])
def test_a_death_while_the_past_is_written_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    first, second = Node(tmp_path / "n", "a"), Node(tmp_path / "n", "b")
    first.write(readings(5))
    second.write(readings(7))
    die(first)

    def fail(*_: object, **__: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(type(tmp_path), call, fail)
        with pytest.raises(OSError):  # noqa: PT011 - it has no message
            second.read()
    assert [seen(second), seen(second)] == [(12, 7, 1)] * 2


def test_a_torn_file_and_a_stranger_are_passed_over(tmp_path: Path) -> None:
    node = Node(tmp_path / "n", "a")
    node.write(readings(5) | {"of_another_version_total": {("x",): 3}, LEASED: {("x",): 1}})
    (tmp_path / "n" / "b.json").write_bytes(b'{"rows":[["dream')
    assert set(node.read()) == {VERDICTS, metrics.LEDGER_CALLS.name}


def test_the_folder_of_a_node_that_is_long_gone_is_deleted(tmp_path: Path) -> None:
    Node(tmp_path / "old", "a").write(readings(5))
    Node(tmp_path / "other", "a").write(readings(5))
    os.utime(tmp_path / "old", (0, 0))
    Node(tmp_path / "new", "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "other"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "die", "end"]), st.integers(0, 3), st.integers(0, 9)),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=50)
def test_it_never_tells_less_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, happened: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("metrics") / "n"
    counted = [0] * 4
    nodes = [Node(folder, f"{at}-0") for at in range(4)]
    past, told = 0, 0
    for born, (step, at, number) in enumerate(happened, 1):
        counted[at] += number
        nodes[at].write(readings(counted[at]), ended=step == "end")
        if step == "die":
            die(nodes[at])
        if step != "read":
            past, counted[at] = past + counted[at], 0
            nodes[at] = Node(folder, f"{at}-{born}")
            continue
        now = nodes[at].read()[VERDICTS][ALLOWED]
        assert now == past + sum(counted)
        assert isinstance(now, int)
        assert now >= told
        told = now
    for node in nodes:
        die(node)


@given(st.lists(st.floats(0, 20), max_size=30), st.lists(st.floats(0, 20), max_size=30))
def test_histograms_add_up(one: list[float], other: list[float]) -> None:
    parts: list[Readings] = []
    for values in (one, other, one + other):
        histogram = Histogram(metrics.SECONDS)
        for value in values:
            histogram.observe(value)
        parts.append({metrics.LEDGER_CALLS.name: {("take",): histogram.value()}})
    first, second, both = parts
    summed = merged([first, second])[metrics.LEDGER_CALLS.name][("take",)]
    whole = both[metrics.LEDGER_CALLS.name][("take",)]
    assert isinstance(summed, HistogramValue)
    assert isinstance(whole, HistogramValue)
    assert summed.counts == whole.counts
    assert summed.sum == pytest.approx(whole.sum)


def test_a_bound_is_in_its_own_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.value() == HistogramValue((1, 2, 1), 7.0)


def test_what_only_stands_at_the_moment_does_not_last() -> None:
    assert set(lasting(readings(1))) == {VERDICTS, metrics.LEDGER_CALLS.name}
