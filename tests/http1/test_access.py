"""The access log: what a line tells, what it does not, and who never waits for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import until

from dream_gateway import metrics
from dream_gateway.errors import UpstreamError
from dream_gateway.http1 import access as module
from dream_gateway.http1.access import AccessLog, Charge, Note, Order, line
from dream_gateway.http1.noting import UnderWay
from dream_gateway.http1.request import Request
from dream_gateway.http1.watch import Watch
from dream_gateway.model import Customer, Verdict
from dream_gateway.redaction import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "ak_test_" + "Ab3" * 12
PROBLEM = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\n"
    b'x-request-id: r1\r\n\r\n{"type":"urn:dream-gateway:error:rate_limited","code":"rate_limited"}'
)
PASSED = b'HTTP/1.1 200 OK\r\nx-request-id: r2\r\n\r\n{"code":"of the upstream\'s own"}'


def request(target: bytes = b"/a?key=secret", method: str = "GET") -> Request:
    return Request(method, target, [(b"host", b"a")], "1.1", client="192.0.2.7")


def told(head: bytes = PASSED, *, query: bool = False, **more: Any) -> dict[str, Any]:
    asked = more.pop("request", None) or request()
    charge = more.get("charge")
    note = Note(1_750_000_000.25, "192.0.2.7", asked, 200, head, 0.0123456, 99, charge)
    found: dict[str, Any] = json.loads(line(note, query=query))
    return found


def test_a_line_tells_of_the_request_and_not_of_its_query() -> None:
    assert told() == {
        "time": "2025-06-15T15:06:40.250+00:00",
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/a",
        "version": "1.1",
        "status": 200,
        "code": None,
        "project": None,
        "customer": None,
        "key": None,
        "cost": None,
        "request_id": "r2",
        "ms": 12.346,
        "upstream_ms": None,
        "bytes": 99,
    }


def test_it_tells_the_query_if_asked_and_no_secret() -> None:
    asked = request(f"/{KEY}?a=1&b={KEY}&api%4bey=hidden&c".encode(), method=KEY)
    line_ = told(query=True, request=asked)
    assert line_["query"] == "a=1&b=ak_***&api%4bey=***&c"
    assert line_["path"] == "/ak_***"
    assert line_["method"] == "ak_***"


def test_it_tells_whose_the_request_was_and_why_it_was_refused() -> None:
    customer = Customer(
        id="c1", project_id="p1", external_id=f"x {KEY}", plan="free", anchor=0, created_at=0
    )
    charge = Charge(Verdict(True, "allowed", 3, customer=customer), 0.0015)
    allowed = told(charge=charge)
    assert (allowed["code"], allowed["cost"], allowed["upstream_ms"]) == ("allowed", 3, 1.5)
    unanswered = told(b"", charge=charge._replace(request_id=b"r3"))
    assert (allowed["request_id"], unanswered["request_id"]) == ("r2", "r3")
    assert allowed["customer"] == "x ak_***"
    refused = told(PROBLEM, charge=charge)
    assert (refused["code"], refused["request_id"]) == ("rate_limited", "r1")
    theirs = told(PROBLEM.replace(b"urn:dream-gateway:error:", b"about:"), charge=charge)
    assert theirs["code"] == "allowed"


def test_a_long_path_is_cut() -> None:
    assert len(told(request=request(b"/" + b"a" * 9_000))["path"]) == LONGEST


def test_the_first_piece_is_kept_after_the_word_to_go_on() -> None:
    under_way = UnderWay()
    for piece in (b"HTTP/1.1 100 Continue\r\n\r\n", PASSED, b"more"):
        under_way.wrote(piece)
    assert under_way._first == PASSED


def test_nobody_waits_for_who_reads_the_log_and_what_is_dropped_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 50)
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    access = AccessLog(str(tmp_path / "log"))
    note = Note(0.0, None, request(b"/" + b"a" * 1_000), 200, PASSED, 0.0, 0, None)
    for _ in range(1_000):
        access.note(note)
    dropped = access.measure()[metrics.DROPPED.name][()]
    os.set_blocking(reader, True)
    with open(reader, "rb") as file:
        access._notes.put(Order.CLOSE)
        lines = file.read().splitlines()
    access.close()
    assert isinstance(dropped, int)
    assert dropped > 0
    assert len(lines) + dropped == 1_000
    assert all(json.loads(each)["status"] == 200 for each in lines)


GET = b"GET /a?key=secret HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def noted(
    recorder: Callable[..., Any], tmp_path: Path
) -> tuple[Any, Callable[[], list[dict[str, Any]]]]:
    """Return a connection whose requests are noted, and what gives the lines, once."""
    access = AccessLog(str(tmp_path / "log"))

    def lines() -> list[dict[str, Any]]:
        access.close()
        return [json.loads(each) for each in (tmp_path / "log").read_bytes().splitlines()]

    return recorder(Watch(access=access), noting=True), lines


def brief(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(each["method"], each["path"], each["status"], each["code"]) for each in lines]


async def test_what_is_no_request_is_noted_too(noted: Any) -> None:
    connection, lines = noted
    connection.client = "192.0.2.7"
    connection.data_received(GET)
    connection.data_received(b"nonsense\r\n\r\n")
    found = lines()
    assert brief(found) == [("GET", "/a", 204, None), (None, None, 400, "bad_request")]
    assert {each["client"] for each in found} == {"192.0.2.7"}
    assert found[1]["version"] is None
    assert sum(each["bytes"] for each in found) == len(connection.transport.written)


async def test_a_request_whose_body_goes_wrong_is_refused_by_its_own_name(noted: Any) -> None:
    connection, lines = noted
    connection.waits = True
    connection.data_received(POST)
    connection.data_received(b"zz\r\n")
    connection.connection_lost(None)
    assert brief(lines()) == [("POST", "/b", 400, "bad_request")]


async def test_an_answer_that_began_is_cut_by_what_is_wrong_with_the_body(noted: Any) -> None:
    connection, lines = noted
    connection.waits = True
    connection.data_received(POST)
    connection.served[0].begin()
    connection.data_received(b"zz\r\n")
    connection.connection_lost(None)
    assert brief(lines()) == [("POST", "/b", 200, "bad_request")]


@pytest.mark.parametrize(
    ("begins", "error", "told"),
    [
        (False, None, (None, "client_gone")),
        (True, None, (200, "client_gone")),
        (True, UpstreamError(), (200, "upstream_failed")),
    ],
)
async def test_a_request_without_a_whole_answer_is_noted_once(
    noted: Any, begins: bool, error: UpstreamError | None, told: tuple[int | None, str]
) -> None:
    connection, lines = noted
    connection.waits = True
    connection.data_received(GET + GET)  # the second one was never begun
    if begins:
        connection.served[0].begin()
    if error is not None:
        connection.cut_short(error)
    connection.connection_lost(None)
    found = lines()
    assert brief(found) == [("GET", "/a", *told)]
    assert found[0]["bytes"] == len(connection.transport.written)


async def test_a_client_that_leaves_between_requests_is_not_noted(noted: Any) -> None:
    connection, lines = noted
    connection.data_received(GET)
    connection.connection_lost(None)
    assert brief(lines()) == [("GET", "/a", 204, None)]


def test_a_file_that_is_given_another_name_is_followed_by_one_of_its_own(tmp_path: Path) -> None:
    path, rounds, each = tmp_path / "access.log", 20, 50
    access = AccessLog(str(path))
    for number in range(rounds):
        for at in range(each):
            access.note(Note(number * each + at, None, request(), 200, PASSED, 0.0, 1, None))
        path.rename(tmp_path / f"access.log.{number}")
        access.reopen()
        # The next name is given once there is a file of this one.
        until(path.exists, "there is a new file")
    access.close()
    files = [*(tmp_path / f"access.log.{number}" for number in range(rounds)), path]
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    times = [line["time"] for line in lines]
    assert len(times) == rounds * each
    assert times == sorted(times)
    assert all(file.stat().st_size for file in files[:-1])


def test_a_file_that_cannot_be_opened_again_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    access = AccessLog(str(folder / "access.log"))
    folder.rename(tmp_path / "moved")
    access.reopen()
    access.note(Note(0.0, None, request(), 200, PASSED, 0.0, 1, None))
    access.close()
    assert (tmp_path / "moved" / "access.log").read_bytes().count(b"\n") == 1


def test_the_standard_output_is_not_opened_again(capfd: pytest.CaptureFixture[str]) -> None:
    access = AccessLog()
    access.reopen()
    access.note(Note(0.0, None, request(), 200, PASSED, 0.0, 1, None))
    access.close()
    assert capfd.readouterr().out.count("\n") == 1
