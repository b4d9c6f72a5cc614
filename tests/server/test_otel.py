"""The plugin `otel` against an OTLP receiver: metrics, spans, and what the upstream is told."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.server.conftest import customer_key
from tests.waiting import eventually

from dream_gateway.edge.tracing import is_sampled
from dream_gateway.metrics import CATALOGUE
from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.settings import Settings

    Supervise = Callable[[Settings], AbstractAsyncContextManager[Any]]

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


@dataclass
class Receiver:
    """Answers HTTP/1.1 requests one by one: a collector, and an upstream that keeps what it is asked."""

    spans: list[Any] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    resources: list[dict[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def allowed(self) -> int:
        """Return how many requests were told as admitted."""
        verdicts = self.metrics.get("dream_gateway_verdicts")
        points = [] if verdicts is None else verdicts.sum.data_points
        counted = {_attributes(point)["code"]: point.as_int for point in points}
        return int(counted.get("allowed", 0))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = dict(re.findall(r"^([^:\r\n]+): ([^\r\n]*)", head.lower(), re.MULTILINE))
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                if fields.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                answer = self.take(head.split(" ")[1], fields, body)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n" % len(answer))
                writer.write(b"content-type: application/x-protobuf\r\n\r\n" + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def take(self, path: str, fields: dict[str, str], body: bytes) -> bytes:
        if path == "/v1/traces":
            self.tokens.add(fields.get("x-token", ""))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(_attributes(resource.resource))
                self.spans += [s for scope in resource.scope_spans for s in scope.spans]
            return bytes(ExportTraceServiceResponse().SerializeToString())
        if path == "/v1/metrics":
            for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {
                    m.name: m for scope in metrics.scope_metrics for m in scope.metrics
                }
            return bytes(ExportMetricsServiceResponse().SerializeToString())
        self.asked.append(fields)
        return b"done"


def _attributes(has: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in has.attributes
    }


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with _received() as receiver:
        yield receiver


@asynccontextmanager
async def _received() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield receiver
    server.close()


def observed(settings: Settings, receiver: Receiver, **more: object) -> Settings:
    table = {
        "endpoint": receiver.url,
        "headers": {"x-token": "t"},
        "traces_per_second": 0.0,
        **more,
    }
    return msgspec.structs.replace(
        settings,
        plugins={"otel": table},
        routes=(RouteSettings(upstreams=(receiver.url,)),),
    )


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
    of_server = _attributes(server)
    assert of_server["url.path"] == "/x/ak_***"
    assert of_server["http.response.status_code"] == 200
    assert of_server["dream_gateway.code"] == "allowed"
    assert of_server["dream_gateway.project"].startswith("prj_")
    assert _attributes(asked)["dream_gateway.code"] == "allowed"
    assert _attributes(denied)["dream_gateway.code"] == "missing_credential"
    assert key not in str(receiver.spans)
    assert receiver.tokens == {"t"}
    assert receiver.resources[0]["service.name"] == "dream-gateway"
    check_metrics(receiver.metrics)


def check_metrics(measured: dict[str, Any]) -> None:
    names = {name.removesuffix("_total") for name in CATALOGUE}
    assert names - set(measured) == {"dream_gateway_access_log_dropped"}
    verdicts = measured["dream_gateway_verdicts"].sum
    assert verdicts.is_monotonic
    counted = {_attributes(point)["code"]: point.as_int for point in verdicts.data_points}
    assert counted == {"allowed": 6}
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
        async with asyncio.timeout(60):
            while sum("traceparent" in fields for fields in receiver.asked) < 3:
                asked += 1
                assert (await client.get(running.addresses.edge, headers=headers)).text == "done"
        told = {f["traceparent"][36:52] for f in receiver.asked if "traceparent" in f}
        await eventually(
            lambda: told <= {span.span_id.hex() for span in receiver.spans}, "sent, every span"
        )
    kinds = Counter(span.name for span in receiver.spans)
    assert kinds["GET"] == kinds["upstream"] >= 3
    assert kinds["GET"] <= asked
    assert {fields.get("traceparent", "")[-3:] for fields in receiver.asked} <= {"", "-01", "-03"}
    assert len({span.trace_id for span in receiver.spans}) == kinds["GET"]


@pytest.mark.parametrize(
    ("given", "sampled"),
    [
        (SAMPLED["traceparent"], True),
        (UNSAMPLED["traceparent"], False),
        (SAMPLED["traceparent"][:-1] + "3", True),
        ("", False),
        ("00-xx-01", False),
        (SAMPLED["traceparent"][:-2] + "zz", False),
    ],
)
def test_a_sampled_parent_is_told_by_its_flag(given: str, sampled: bool) -> None:
    assert is_sampled(given.encode()) is sampled
