from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.errors import InvalidCredentialError
from dream_gateway.http.credentials import drop_parameter, find_credential

field_names = st.sampled_from([b"authorization", b"x-api-key", b"cookie"]) | st.binary(max_size=20)
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
        assert found.in_authorization or found.in_api_key or found.in_query


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
    assert found == ("ak_1", True, True, False)


def test_a_token_for_the_upstream_beside_a_key_is_left_alone() -> None:
    found = find_credential([(b"authorization", b"Bearer eyJ"), (b"x-api-key", b"ak_1")])
    assert found == ("ak_1", False, True, False)


def test_other_schemes_are_not_ours() -> None:
    assert find_credential([(b"authorization", b"Basic abc"), (b"x-api-key", b" ")]) is None


def test_a_query_parameter_only_where_it_is_named() -> None:
    assert find_credential([], b"key=ak_1") is None
    found = find_credential([], b"a=1&k%65y=ak%5F1", b"key")
    assert found == ("ak_1", False, False, True)
    with pytest.raises(InvalidCredentialError):
        find_credential([], b"key=ak_1&key=ak_2", b"key")


def test_only_the_parameter_is_dropped() -> None:
    assert drop_parameter(b"a=%20&k%65y=1&key&b", b"key") == b"a=%20&b"
