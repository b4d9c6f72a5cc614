"""An OTLP receiver, which is an upstream at the same time: it keeps what it is sent."""

from __future__ import annotations

import asyncio
import gzip
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.settings import Settings


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
        counted = {attributes(point)["code"]: point.as_int for point in points}
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
                self.resources.append(attributes(resource.resource))
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


def attributes(has: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in has.attributes
    }


@asynccontextmanager
async def received() -> AsyncIterator[Receiver]:
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
