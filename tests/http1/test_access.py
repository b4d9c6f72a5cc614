"""The access log: what a line tells, what it does not, and who never waits for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tests.waiting import until

from dream_gateway import metrics
from dream_gateway.http1 import access as module
from dream_gateway.http1.access import AccessLog, Charge, Note, Order, line
from dream_gateway.http1.noting import UnderWay
from dream_gateway.http1.request import Request
from dream_gateway.http1.watch import Watch
from dream_gateway.model import Customer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

KEY = "ak_test_" + "Ab3" * 12
PROBLEM = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\n"
    b'x-request-id: r1\r\n\r\n{"title":"No.","code":"rate_limited","error":"rate_limited"}'
)
PASSED = b'HTTP/1.1 200 OK\r\nx-request-id: r2\r\n\r\n{"code":"of the upstream\'s own"}'


def request(target: bytes = b"/a?key=secret", method: str = "GET") -> Request:
    return Request(method, target, [(b"host", b"a")], "1.1", client="192.0.2.7")


def told(head: bytes = PASSED, *, query: bool = False, **more: Any) -> dict[str, Any]:
    asked = more.pop("request", None) or request()
    note = Note(1_750_000_000.25, asked, 200, head, 0.0123456, 99, more.get("charge"))
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
    assert allowed["customer"] == "x ak_***"
    refused = told(PROBLEM, charge=charge)
    assert (refused["code"], refused["request_id"]) == ("rate_limited", "r1")


def test_a_long_path_is_cut() -> None:
    assert len(told(request=request(b"/" + b"a" * 9_000))["path"]) == module.LONGEST


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
    note = Note(0.0, request(b"/" + b"a" * 1_000), 200, PASSED, 0.0, 0, None)
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


async def test_what_is_no_request_is_noted_too(
    recorder: Callable[..., Any], tmp_path: Path
) -> None:
    access = AccessLog(str(tmp_path / "log"))
    connection = recorder(Watch(access=access), noting=True)
    connection.data_received(b"GET /a?key=secret HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.data_received(b"nonsense\r\n\r\n")
    access.close()
    lines = [json.loads(each) for each in (tmp_path / "log").read_bytes().splitlines()]
    assert [(each["path"], each["status"], each["code"]) for each in lines] == [
        ("/a", 204, None),
        ("/", 400, "bad_request"),
    ]
    assert sum(each["bytes"] for each in lines) == len(connection.transport.written)


def test_a_file_that_is_given_another_name_is_followed_by_one_of_its_own(tmp_path: Path) -> None:
    path, rounds, each = tmp_path / "access.log", 20, 50
    access = AccessLog(str(path))
    for number in range(rounds):
        for at in range(each):
            access.note(Note(number * each + at, request(), 200, PASSED, 0.0, 1, None))
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
    access.note(Note(0.0, request(), 200, PASSED, 0.0, 1, None))
    access.close()
    assert (tmp_path / "moved" / "access.log").read_bytes().count(b"\n") == 1


def test_the_standard_output_is_not_opened_again(capfd: pytest.CaptureFixture[str]) -> None:
    access = AccessLog()
    access.reopen()
    access.note(Note(0.0, request(), 200, PASSED, 0.0, 1, None))
    access.close()
    assert capfd.readouterr().out.count("\n") == 1
