from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.errors import BadRequestError, InvalidRequestError
from dream_gateway.service import values
from dream_gateway.service.key_shapes import Digest, KeyChange, NewKey
from dream_gateway.service.project_shapes import Colour
from dream_gateway.service.usage_shapes import BatchRequest, TrackRequest
from dream_gateway.service.validation import faults, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["name", "scopes", "expiresAt", "allowedIps", "rate", "metadata", "x/y~"])


def pointers(body: bytes, shape: Any) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        read_json(body, msgspec.json.Decoder(shape))
    errors: Any = caught.value.extra["errors"]
    assert all(error["detail"] for error in errors)
    return [error["pointer"] for error in errors]


@pytest.mark.parametrize(
    "cost",
    ["-1", "1000000001", "1.5", "1e300", "true", '"1"', "[]", "{}", "1e400", "9" * 400, "9" * 5000],
)
def test_a_wrong_cost_is_named(cost: str) -> None:
    assert pointers(b'{"cost":%b}' % cost.encode(), TrackRequest) == ["/cost"]


@pytest.mark.parametrize("cost", ["3.0", "3e0", "30e-1"])
def test_a_whole_number_may_be_written_as_a_fraction(cost: str) -> None:
    decoder = msgspec.json.Decoder(TrackRequest)
    assert read_json(b'{"cost":%b}' % cost.encode(), decoder).cost == 3


def test_every_fault_is_named_at_once() -> None:
    body = {
        "name": 1,
        "scopes": ["read", "", 3],
        "rate": {"interval": "fortnight", "burst": 0, "b/~": 1},
        "metadata": [],
        "nme": "x",
    }
    assert pointers(json.dumps(body).encode(), NewKey) == [
        "/name",
        "/scopes/1",
        "/scopes/2",
        "/rate/limit",
        "/rate/interval",
        "/rate/burst",
        "/rate/b~1~0",
        "/metadata",
        "/nme",
    ]


def test_optional_parts_are_looked_into() -> None:
    assert pointers(b'{"rate":{"limit":0,"interval":"day"}}', KeyChange) == ["/rate/limit"]
    assert pointers(b'{"name":null,"scopes":["a b"]}', KeyChange) == ["/name", "/scopes/0"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true"])
def test_another_thing_than_an_object_is_a_fault_of_the_whole(body: bytes) -> None:
    assert pointers(body, TrackRequest) == [""]


def test_a_container_that_is_too_long_is_named_itself() -> None:
    events = [{"userId": "u", "idempotencyKey": "k"}] * 1001
    assert pointers(json.dumps({"events": events}).encode(), BatchRequest) == ["/events"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"cost":1}x',
        b'{"cost":NaN}',
        b"\xef\xbb\xbf{}",
        b'{"\xff":1}',
        b'{"metadata":{"a":"\xff"}}',
        b'{"metadata":{"a":"\\ud800"}}',
        b'{"metadata":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_json(body, msgspec.json.Decoder(NewKey))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises((BadRequestError, InvalidRequestError)):  # noqa: PT012
        read_json(body, msgspec.json.Decoder(NewKey))
        raise BadRequestError  # reading it is fine, too


@given(st.dictionaries(NAMES, JSON))
def test_the_slow_way_agrees_with_the_fast_way(value: dict[str, Any]) -> None:
    body = msgspec.json.encode(value)
    found = list(faults(msgspec.json.decode(body), NewKey))
    try:
        msgspec.json.decode(body, type=NewKey)
    except msgspec.ValidationError:
        assert found
        assert all(resolves(value, fault.pointer) for fault in found)
    else:
        assert not found


def resolves(value: Any, pointer: str) -> bool:
    """Tell whether a pointer leads somewhere, or to a member that is missing."""
    tokens = pointer.split("/")[1:]
    for at, token in enumerate(tokens):
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(name)]
        elif name in value:
            value = value[name]
        else:
            return at == len(tokens) - 1
    return True


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (values.UserId, "ada"),
        (values.TierName, "free"),
        (values.Email, "ada@example.com"),
        (values.ScopeName, "read"),
        (values.Currency, "usd"),
        (values.WebUrl, "https://example.com"),
        (Digest, "0" * 64),
        (Colour, "#aabbcc"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_line_feed_at_the_end_is_a_part_of_the_text(kind: Any, text: str) -> None:
    assert msgspec.convert(text, kind) == text
    for more in ("\n", "\r\n", "\nx"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text + more, kind)
