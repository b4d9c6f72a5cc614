from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.model import PolicyState

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers


def rendered(*policies: Any, legacy: Any = False) -> Any:
    headers: Headers = []
    RateLimitHeaders(legacy=legacy).add_to(headers, policies)
    return dict(headers)


def test_one_policy() -> None:
    assert rendered(PolicyState("quota", 100, 2592000, 99, 1233.5)) == {
        b"ratelimit-policy": b'"quota";q=100;w=2592000',
        b"ratelimit": b'"quota";r=99;t=1234',
    }


def test_several_policies_and_the_old_fields() -> None:
    got = rendered(
        PolicyState("quota", 100, None, 9, 0), PolicyState("rate", 10, 1, -3, 0.2), legacy=True
    )
    assert got == {
        b"ratelimit-policy": b'"quota";q=100, "rate";q=10;w=1',
        b"ratelimit": b'"quota";r=9;t=0, "rate";r=0;t=1',
        b"x-ratelimit-limit": b"10",
        b"x-ratelimit-remaining": b"0",
        b"x-ratelimit-reset": b"1",
    }


def test_nothing_without_policies() -> None:
    assert rendered() == {}


@given(st.text())
def test_any_name_is_a_structured_string(name: Any) -> None:
    value = rendered(PolicyState(name, 1, 1, 1, 1))[b"ratelimit"]
    text, _, rest = value.rpartition(b'"')
    assert rest == b";r=1;t=1"
    assert text.startswith(b'"')
    assert all(0x20 <= byte <= 0x7E for byte in value)
    inside = text[1:].replace(b"\\\\", b"").replace(b'\\"', b"")
    assert b'"' not in inside
    assert b"\\" not in inside


def test_what_is_remembered_does_not_mix_policies_up() -> None:
    headers = RateLimitHeaders()
    for limit in (1, 2, 1):
        got: Headers = []
        headers.add_to(got, (PolicyState("quota", limit, 60, 0, 1),))
        assert got[0] == (b"ratelimit-policy", b'"quota";q=%d;w=60' % limit)
