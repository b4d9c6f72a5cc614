from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import errors
from dream_gateway.http.problem import code_of, problem, refusal
from dream_gateway.model import Period, PolicyState, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator


def tree(root: Any = errors.GatewayError) -> Iterator[Any]:
    yield root
    for kind in root.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from tree(kind)


@pytest.mark.parametrize("kind", list(tree()))
def test_every_error_has_every_member(kind: Any) -> None:
    answer = problem(kind(), instance="/a", request_id="r-1")
    body = json.loads(answer.body)
    assert body == {
        "type": f"urn:dream-gateway:error:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": "/a",
        "code": kind.code,
        "requestId": "r-1",
        "error": kind.code,
        "message": kind.title,
    }
    headers = dict(answer.headers)
    assert answer.status == kind.status
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(answer.body)
    assert (b"www-authenticate" in headers) == (kind.status == 401)
    assert (b"retry-after" in headers) == (kind.status in {429, 503})
    assert code_of(answer.body) == code_of(answer.body[:100]) == kind.code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"code":"rate_limited"}',
        b'{"type":"about:blank","code":"rate_limited"}',
        b'{"told":{"type":"urn:dream-gateway:error:rate_limited"}}',
    ],
)
def test_what_is_no_problem_of_ours_has_no_code(body: bytes) -> None:
    assert code_of(body) is None


@given(
    st.text(min_size=1),
    st.text(),
    st.none() | st.floats(),
    st.dictionaries(st.text(), st.none() | st.integers() | st.text()),
)
def test_anything_renders(detail: Any, instance: Any, wait: Any, extra: Any) -> None:
    error = errors.RateLimitedError(detail, retry_after=wait, extra=extra)
    try:
        detail.encode()
        instance.encode()
        repr(extra).encode()
    except UnicodeEncodeError:
        return
    answer = problem(error, instance=instance, request_id="r")
    body = json.loads(answer.body)
    assert (body["code"], body["status"], body["detail"]) == ("rate_limited", 429, detail)
    assert int(dict(answer.headers)[b"retry-after"]) >= 1


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_rate_says_when_the_request_would_pass_not_when_all_is_back(
    wait: Any, reset: Any
) -> None:
    state = PolicyState("rate", 5, 60, 0, reset)
    verdict = Verdict(False, "rate_limited", 1, violated=state, retry_after=wait)
    said = int(dict(problem(refusal(verdict)).headers)[b"retry-after"])
    assert max(wait, 1) <= said < max(wait, 1) + 1


@given(st.none() | st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_quota_never_says_to_come_back_before_its_reset(wait: Any, reset: Any) -> None:
    state = PolicyState("quota", 5, 60, 0, reset)
    verdict = Verdict(False, "quota_exceeded", 1, violated=state, retry_after=wait)
    said = int(dict(problem(refusal(verdict)).headers)[b"retry-after"])
    assert said >= max(reset, wait or 0, 1)
    assert said < max(reset, wait or 0, 1) + 1


def test_a_quota_tells_usage_and_policy() -> None:
    state = PolicyState("quota", 5, 60, 0, 10)
    usage = Usage(5, 5, Period(0, 60))
    verdict = Verdict(False, "quota_exceeded", 1, usage=usage, violated=state)
    body = json.loads(problem(refusal(verdict)).body)
    assert (body["usageCount"], body["limit"], body["policy"]) == (5, 5, "quota")


def test_an_unknown_code_is_an_internal_error() -> None:
    assert problem(refusal(Verdict(False, "new_code", 1))).status == 500
