"""The plugin `otel` against an OTLP receiver: metrics, spans, and what the upstream is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.server.conftest import customer_key
from tests.server.receiving import attributes, observed
from tests.traces import PARENT, SAMPLED, TRACE, UNSAMPLED
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.metrics import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.server.receiving import Receiver

    from dream_gateway.settings import Settings

    Supervise = Callable[[Settings], AbstractAsyncContextManager[Any]]

pytestmark = pytest.mark.long


async def test_a_request_of_a_sampled_trace_is_a_part_of_it_and_no_other_is_traced(
    supervise: Supervise, settings: Settings, receiver: Receiver
) -> None:
    key = await customer_key(settings)
    bearer = {"authorization": f"Bearer {key}"}
    async with supervise(observed(settings, receiver)) as running:
        edge = running.addresses.edge
        async with httpx.AsyncClient(timeout=60) as client:
            for fields in ({}, UNSAMPLED, SAMPLED, {}, UNSAMPLED):
                answer = await client.get(edge + f"/x/{key}?a=1", headers={**bearer, **fields})
                assert answer.text == "done"
            question = await client.get(edge + "/authorize", headers={**bearer, **SAMPLED})
            refused = await client.get(edge + "/y", headers=SAMPLED)
        assert (question.status_code, refused.status_code) == (200, 401)
        await eventually(
            lambda: len(receiver.spans) >= 4 and receiver.allowed() >= 6, "sent, spans and numbers"
        )
    server, upstream, asked, denied = sorted(receiver.spans, key=lambda s: s.start_time_unix_nano)
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE}
    assert server.parent_span_id.hex() == PARENT
    assert upstream.parent_span_id == server.span_id
    assert server.trace_state == "vendor=1"
    assert server.start_time_unix_nano <= upstream.start_time_unix_nano
    assert upstream.end_time_unix_nano <= server.end_time_unix_nano
    told = [fields.get("traceparent") for fields in receiver.asked]
    own = f"00-{TRACE}-{upstream.span_id.hex()}-01"
    assert told == [None, UNSAMPLED["traceparent"], own, None, UNSAMPLED["traceparent"]]
    assert receiver.asked[2]["tracestate"] == "vendor=1"
    of_server = attributes(server)
    assert of_server["url.path"] == "/x/ak_***"
    assert of_server["http.response.status_code"] == 200
    assert of_server["dream_gateway.code"] == "allowed"
    assert of_server["dream_gateway.project"].startswith("prj_")
    assert attributes(asked)["dream_gateway.code"] == "allowed"
    assert attributes(denied)["dream_gateway.code"] == "missing_credential"
    assert key not in str(receiver.spans)
    assert receiver.tokens == {"t"}
    assert receiver.resources[0]["service.name"] == "dream-gateway"
    check_metrics(receiver.metrics)


def check_metrics(measured: dict[str, Any]) -> None:
    names = {name.removesuffix("_total") for name in CATALOGUE}
    assert names - set(measured) == {"dream_gateway_access_log_dropped"}
    verdicts = measured["dream_gateway_verdicts"].sum
    assert verdicts.is_monotonic
    counted = {attributes(point)["code"]: point.as_int for point in verdicts.data_points}
    assert counted == {"allowed": 6, "missing_credential": 1}
    (latencies,) = measured["dream_gateway_upstream_seconds"].histogram.data_points
    assert latencies.count == sum(latencies.bucket_counts) > 0
    assert len(latencies.bucket_counts) == len(latencies.explicit_bounds) + 1


@pytest.mark.long
async def test_some_requests_are_traced_unasked(
    supervise: Supervise, settings: Settings, receiver: Receiver
) -> None:
    key = await customer_key(settings)
    watched = observed(settings, receiver, traces_per_second=20.0, metrics=False)
    asked = 0
    async with supervise(watched) as running, httpx.AsyncClient(timeout=60) as client:
        headers = {"authorization": f"Bearer {key}"}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum("traceparent" in fields for fields in receiver.asked) < 3:
                asked += 1
                assert (await client.get(running.addresses.edge, headers=headers)).text == "done"
        told = {f["traceparent"][36:52] for f in receiver.asked if "traceparent" in f}
        await eventually(
            lambda: told <= {span.span_id.hex() for span in receiver.spans}, "sent, every span"
        )
    kinds = Counter(span.kind for span in receiver.spans)
    assert kinds[Span.SPAN_KIND_SERVER] == kinds[Span.SPAN_KIND_CLIENT] >= 3
    assert kinds[Span.SPAN_KIND_SERVER] <= asked
    assert {fields.get("traceparent", "")[-3:] for fields in receiver.asked} <= {"", "-01", "-03"}
    assert len({span.trace_id for span in receiver.spans}) == kinds[Span.SPAN_KIND_SERVER]
