"""The report, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from bench.load.admission import Admission, Tally
from bench.load.curves import Point
from bench.load.plots import bars, label_of, panels
from bench.load.report import Played, Report, as_json, as_markdown, read, signed, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.load.rounds import Result


def admission(name: str, calm: int, killed: int, unanswered: int = 0) -> Admission:
    return Admission(name, 1000, 5000, Tally(calm), Tally(killed, unanswered=unanswered))


@pytest.mark.parametrize(
    ("error", "unanswered", "said"),
    [
        (0, 0, "0"),
        (0, 12, "0"),
        (1563, 0, "+1,563"),
        (7, 3, "+7"),
        (-5, 0, "-5"),
        (-5, 64, "-5 (64 unanswered)"),
    ],
)
def test_an_error_bears_its_sign(error: int, unanswered: int, said: str) -> None:
    assert signed(error, unanswered) == said


def test_errors_are_held_against_the_limit() -> None:
    found = admission("peer", 1001, 1563)
    assert (found.error, found.error_killed) == (1, 563)


def test_a_tally_tells_refusals_from_failures() -> None:
    tally = Tally()
    for status in (200, 204, 302, 429, 401, 503):
        tally.count(status)
    assert tally == Tally(admitted=3, denied=1, failed=2)


def test_the_table_has_a_row_for_whoever_was_measured(made_result: Callable[..., Result]) -> None:
    report = Report(results=[made_result("a")], admissions=[admission("b", 1000, 990, 64)])
    lines = table(report).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "| a | none | 1,000 |" in lines[2]
    assert lines[3].startswith("| b |")
    assert lines[3].endswith("| 0 | -10 (64 unanswered) |")


def test_the_report_says_what_is_missing_and_what_was_dropped() -> None:
    text = as_markdown(Report(played=Played(5, 4, 3, 64), missing={"Envoy": "not installed"}))
    assert "Missing: Envoy (not installed)." in text
    assert "5 rounds of 3 s, 4 kept" in text


def test_what_is_saved_is_read_again(tmp_path: Path, made_result: Callable[..., Result]) -> None:
    report = Report(
        {"cores": "2"},
        {"nginx": "1"},
        Played(5, 4, 3, 64),
        [made_result()],
        [admission("peer", 1000, 1563)],
        [made_result("strict")],
        [Point("keys", 1000, made_result())],
        {"Envoy": "not installed"},
    )
    path = tmp_path / "load.json"
    path.write_text(as_json(report))
    assert read(path) == report


def test_what_cannot_be_read_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "load.json"
    assert read(path) == Report()
    path.write_bytes(msgspec.json.encode([{"name": "of another shape"}]))
    assert read(path) == Report()


def test_a_part_that_did_not_run_is_kept(made_result: Callable[..., Result]) -> None:
    old, new = made_result("old"), made_result("new")
    earlier = Report(
        results=[old],
        admissions=[admission("peer", 1000, 1000)],
        modes=[old],
        points=[Point("keys", 1, old), Point("workers", 1, old)],
    )
    whole = Report(results=[new], points=[Point("keys", 1, new)]).over(earlier)
    assert whole.results == [new]
    assert whole.admissions == earlier.admissions
    assert whole.modes == [old]
    assert whole.points == [Point("keys", 1, new), Point("workers", 1, old)]


def test_bars_are_to_scale_within_each_job(made_result: Callable[..., Result]) -> None:
    results = [
        made_result("nginx", 1000.0, "answer"),
        made_result("dream-gateway <x>", 500.0, "answer"),
        made_result("proxy", 10.0, "proxy"),
    ]
    svg = bars(results)
    assert svg.count("<rect ") == 3
    assert "dream-gateway &lt;x&gt;" in svg
    assert [svg.count(f'width="{width}"') for width in (440, 220)] == [2, 1]


def test_each_curve_has_a_line_for_each_server(made_result: Callable[..., Result]) -> None:
    points = [
        Point(curve, x, made_result(name, rate))
        for curve in ("keys", "workers")
        for name, rate in (("nginx", 2000.0), ("dream-gateway", 900.0))
        for x in (1, 1000)
    ]
    svg = panels(points)
    assert svg.count("<polyline ") == 4
    assert svg.count("<circle ") == 8
    assert "keys: requests/s" in svg
    assert "workers: CPU us a request" in svg


def test_a_curve_of_nothing_is_drawn(made_result: Callable[..., Result]) -> None:
    assert panels([Point("bodies", 1, made_result("down", 0.0))]).count("<circle ") == 1


@pytest.mark.parametrize(
    ("curve", "x", "label"),
    [
        ("bodies", 10 << 10, "10 KB"),
        ("bodies", 10 << 20, "10 MB"),
        ("connections", 4_096, "4,096"),
        ("keys", 1_000_000, "1M"),
    ],
)
def test_places_are_named_as_people_do(curve: str, x: int, label: str) -> None:
    assert label_of(curve, x) == label
