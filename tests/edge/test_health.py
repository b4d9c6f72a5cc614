"""How upstreams do, and how long answers take: each answer that is timed is timed once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.edge.test_courier import GET, OK, Line

from dream_gateway.edge.health import SPAN_SECONDS, Health
from dream_gateway.errors import UpstreamError

DATED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: %b\r\n\r\nok"


def timed(line: Line) -> int:
    """Return how many answers were timed since the last time, for the charts and for the pool."""
    metrics: dict[tuple[str, str], int] = line.admission.counts.take().metrics
    assert set(metrics) <= {("prj_1", "latency.500")}
    number, before = sum(metrics.values()), line.pool.health.answers
    line.pool.health.answers = 0
    assert before == number
    return number


async def test_of_answers_that_are_alike_one_in_a_while_is_timed(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    for sampled, expected in ((False, 1), (False, 0), (False, 0), (True, 1), (False, 0)):
        if sampled:
            line.pool.sample()
        line.ask(GET)
        line.links[0].data_received(OK)
        assert timed(line) == expected


async def test_of_answers_that_differ_no_more_are_timed(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    for number, expected in enumerate((1, 0, 0, 1, 0)):
        if number == 3:
            line.pool.sample()
        line.ask(GET)
        line.links[0].data_received(DATED % b"%d" % number)
        assert timed(line) == expected


async def test_an_answer_in_pieces_is_timed_once(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    for at in (0, 20, len(OK) - 1):
        line.links[0].data_received(OK[at : {0: 20, 20: len(OK) - 1}.get(at, len(OK))])
    assert timed(line) == 1


async def test_failures_and_errors_are_counted(admission: Any) -> None:
    line = Line(admission, plain=True)
    await line.warm()
    line.ask(GET)
    line.links[0].data_received(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")
    assert (line.pool.health.errors, line.pool.health.failures) == (1, 0)
    line.ask(GET)
    line.links[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Le")
    line.links[0].fail(UpstreamError())
    assert (line.pool.health.errors, line.pool.health.failures) == (1, 1)


def test_a_report_is_of_the_last_while() -> None:
    health = Health()
    health.answered(200, 0.003)
    first = health.report(SPAN_SECONDS)
    assert first["sampled"] == 1
    assert first["p50"] == pytest.approx(0.0035)
    health.answered(500, 0.003)
    second = health.report(1.5 * SPAN_SECONDS)
    assert (second["sampled"], second["errors"]) == (2, 1)
    health.report(2 * SPAN_SECONDS)
    assert health.report(2.5 * SPAN_SECONDS)["sampled"] == 1
    health.report(3 * SPAN_SECONDS)
    assert health.report(3.5 * SPAN_SECONDS)["sampled"] == 0
