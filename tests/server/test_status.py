"""What a worker tells its supervisor."""

from __future__ import annotations

import pytest

from dream_gateway.errors import AddressInUseError, SchemaTooNewError, StoreUnavailableError
from dream_gateway.server.status import Failed, Ready, decode, encode, failed, operator_error


@pytest.mark.parametrize("status", [Ready(), Failed("a", "b\nc", is_final=True)])
def test_a_status_is_one_line(status: Ready | Failed) -> None:
    line = encode(status)
    assert line.count(b"\n") == 1
    assert decode(line) == status


def test_an_operators_error_arrives_as_it_was_raised() -> None:
    for error in (SchemaTooNewError("too new"), AddressInUseError()):
        report = failed(error)
        assert report.is_final
        again = operator_error(report)
        assert type(again) is type(error)
        assert again.detail == error.detail


def test_a_store_that_is_away_may_come_back() -> None:
    assert not failed(StoreUnavailableError()).is_final
