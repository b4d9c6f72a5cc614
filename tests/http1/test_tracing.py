"""What a caller says of a trace of theirs, as W3C Trace Context 2 has it be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from tests.traces import PARENT, SAMPLED, TRACE, UNSAMPLED

from dream_gateway.http1.request import Request
from dream_gateway.http1.tracing import Tracing, is_sampled
from dream_gateway.http1.watch import Watch

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Asked, Trace
    from dream_gateway.http.inbound import Inbound

IDS = f"{TRACE}-{PARENT}"
UNREADABLE = (
    "",
    "nonsense",
    f"00-{IDS}",
    f"00-{IDS}- 1",
    f"00-{IDS}-+1",
    f"00-{IDS}-1",
    f"00-{IDS}-01 ",
    f"00-{IDS}-01-more",
    f"00-{IDS}-0100",
    f"00-{IDS}-0G",
    f"0-{IDS}-01",
    f"00_{IDS}_01",
    f"00-{IDS.upper()}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE[1:]}-{PARENT}0-01",
    f"ff-{IDS}-01",
    f"01-{IDS}-01more",
)
READABLE = {
    f"00-{IDS}-01": True,
    f"00-{IDS}-ff": True,
    f"00-{IDS}-03": True,
    f"00-{IDS}-00": False,
    f"00-{IDS}-02": False,
    f"01-{IDS}-01": True,
    f"cc-{IDS}-01-what-the-future-will-be-like": True,
    f"cc-{IDS}-00-": False,
}


def test_who_says_nothing_says_nothing() -> None:
    assert is_sampled(None) is None


@pytest.mark.parametrize("parent", UNREADABLE)
def test_what_cannot_be_read_says_nothing(parent: str) -> None:
    assert is_sampled(parent.encode()) is None


@pytest.mark.parametrize(("parent", "sampled"), READABLE.items())
def test_what_can_be_read_says_whether_it_is_sampled(parent: str, *, sampled: bool) -> None:
    assert is_sampled(parent.encode()) is sampled


class Asking:
    """A tracer, and a plane, that keep what they are asked."""

    per_second = 0.0
    callers_per_second = 100.0

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def begin(self, asked: Asked) -> Trace:
        self.asked.append(asked)
        return cast("Trace", self)

    def template(self, inbound: Inbound) -> str:
        return inbound.path

    def address(self, inbound: Inbound) -> str | None:
        return inbound.client


@pytest.mark.parametrize(
    ("parent", "is_due", "told"),
    [
        *[(None, False, []), (None, True, [None])],
        *[("nonsense", False, []), ("nonsense", True, [None])],
        *[(UNSAMPLED["traceparent"], is_due, []) for is_due in (False, True)],
        *[
            (SAMPLED["traceparent"], due, [SAMPLED["traceparent"].encode()])
            for due in (False, True)
        ],
    ],
)
def test_who_is_traced_and_as_a_part_of_what(
    parent: str | None, told: list[bytes | None], *, is_due: bool
) -> None:
    asking = Asking()
    tracing = Tracing(asking, asking, Watch())
    tracing._is_due = is_due
    fields = [(b"host", b"a"), (b"tracestate", b"vendor=1")]
    if parent is not None:
        fields.append((b"traceparent", parent.encode()))
    request = Request("GET", b"/", fields, "1.1")
    request.client, request.scheme = "192.0.2.7", "http"
    assert (tracing.begin(request) is not None) is bool(told)
    assert [asked.traceparent for asked in asking.asked] == told
    # A state is nothing without its parent.
    assert [asked.tracestate is None for asked in asking.asked] == [each is None for each in told]


def test_no_more_are_traced_in_a_second_because_their_callers_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 10.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    asking = Asking()
    asking.callers_per_second = 2.0
    tracing = Tracing(asking, asking, Watch())
    fields = [(b"host", b"a"), (b"traceparent", SAMPLED["traceparent"].encode())]
    request = Request("GET", b"/", fields, "1.1")
    request.client, request.scheme = "192.0.2.7", "http"
    assert [tracing.begin(request) is not None for _ in range(4)] == [True, True, False, False]
    now += 1.0
    assert tracing.begin(request) is not None
