from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.http.credentials import Found, drop_parameter, find_credential

NAMES = [b"authorization", b"x-api-key", b"cookie", b"x-publishable-key", b"x-clerk-token"]
field_names = st.sampled_from(NAMES) | st.binary(max_size=20)
any_headers = st.lists(st.tuples(field_names, st.binary(max_size=60)), max_size=8)


@given(any_headers, st.binary(max_size=80), st.none() | st.binary(min_size=1, max_size=5))
def test_any_bytes_give_a_key_or_none_or_one_named_error(
    headers: Any, query: Any, parameter: Any
) -> None:
    try:
        found = find_credential(headers, query, parameter)
    except InvalidCredentialError:
        return
    if found is not None:
        assert found.secret
        where = (found.in_authorization, found.in_api_key, found.in_query, found.in_clerk_token)
        assert any(where)
        assert found.publishable is None or not (found.in_api_key or found.in_query)


@given(st.binary(max_size=50))
def test_a_bearer_value_is_taken_as_it_is(token: Any) -> None:
    found = find_credential([(b"authorization", b"bEaReR " + token)])
    if token.strip():
        assert found is not None
        assert found.secret.encode("latin-1") == token.strip()
    else:
        assert found is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer ak_1"), (b"x-api-key", b"ak_2")],
        [(b"x-api-key", b"ak_1"), (b"x-api-key", b"ak_2")],
        [(b"authorization", b"Bearer ak_1"), (b"authorization", b"Bearer x")],
    ],
)
def test_two_keys_are_invalid(headers: Any) -> None:
    with pytest.raises(InvalidCredentialError):
        find_credential(headers)


def test_the_same_key_twice_is_one_key() -> None:
    found = find_credential([(b"authorization", b"Bearer ak_1"), (b"x-api-key", b"ak_1")])
    assert found == Found("ak_1", in_authorization=True, in_api_key=True, in_query=False)


def test_a_token_for_the_upstream_beside_a_key_is_left_alone() -> None:
    found = find_credential([(b"authorization", b"Bearer eyJ"), (b"x-api-key", b"ak_1")])
    assert found == Found("ak_1", in_authorization=False, in_api_key=True, in_query=False)


PUBLISHABLE = (b"x-publishable-key", b"pk_1")
TOKEN = Found("eyJ", in_authorization=True, in_api_key=False, in_query=False, publishable="pk_1")


def test_a_token_beside_a_publishable_key_is_an_end_users() -> None:
    assert find_credential([PUBLISHABLE, (b"authorization", b"Bearer eyJ")]) == TOKEN
    in_its_own_field = TOKEN._replace(in_authorization=False, in_clerk_token=True)
    own = (b"x-clerk-token", b" eyJ ")
    assert find_credential([PUBLISHABLE, own]) == in_its_own_field
    for_the_upstream = (b"authorization", b"Bearer other")
    assert find_credential([for_the_upstream, own, PUBLISHABLE]) == in_its_own_field


def test_a_publishable_key_alone_is_no_credential() -> None:
    assert find_credential([PUBLISHABLE]) is None
    assert find_credential([PUBLISHABLE, (b"authorization", b"Basic eyJ")]) is None


@pytest.mark.parametrize("key", [(b"authorization", b"Bearer ak_1"), (b"x-api-key", b"ak_1")])
def test_a_customer_key_counts_before_a_token(key: tuple[bytes, bytes]) -> None:
    found = find_credential([PUBLISHABLE, key, (b"x-clerk-token", b"eyJ")])
    assert found is not None
    assert (found.secret, found.publishable) == ("ak_1", None)


@pytest.mark.parametrize("name", [b"x-publishable-key", b"x-clerk-token"])
def test_two_that_differ_are_invalid(name: bytes) -> None:
    with pytest.raises(InvalidCredentialError):
        find_credential([PUBLISHABLE, (b"x-clerk-token", b"a"), (name, b"b")])


def test_other_schemes_are_not_ours() -> None:
    assert find_credential([(b"authorization", b"Basic abc"), (b"x-api-key", b" ")]) is None


def test_a_query_parameter_only_where_it_is_named() -> None:
    assert find_credential([], b"key=ak_1") is None
    found = find_credential([], b"a=1&k%65y=ak%5F1", b"key")
    assert found == Found("ak_1", in_authorization=False, in_api_key=False, in_query=True)
    with pytest.raises(InvalidCredentialError):
        find_credential([], b"key=ak_1&key=ak_2", b"key")


def test_only_the_parameter_is_dropped() -> None:
    assert drop_parameter(b"a=%20&k%65y=1&key&b", b"key") == b"a=%20&b"
