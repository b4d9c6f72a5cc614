"""The plugin: its table of settings, and what is exported with the official SDK, off the event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from dream_gateway.hookspecs import hookimpl
from dream_gateway.version import DISTRIBUTION, version
from dream_gateway_otel.readings import data
from dream_gateway_otel.spans import RequestTrace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Tracer as SpanMaker

    from dream_gateway.facilities import Facilities
    from dream_gateway.hookspecs import Asked, Exporter, Trace, Tracer

logger = logging.getLogger(__name__)

FAREWELL_SECONDS = 3.0
"""How long a collector may take at the end: leases are to be given back after that."""


class OtelOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[plugins.otel]` table."""

    endpoint: Annotated[
        str, Meta(pattern="^https?://", description="URL of the collector, before `/v1/`.")
    ] = "http://127.0.0.1:4318"
    headers: Annotated[
        dict[str, str],
        Meta(description="Fields to send along, such as a token.", extra={"secret": True}),
    ] = {}
    service_name: Annotated[str, Meta(min_length=1, description="The service's name there.")] = (
        DISTRIBUTION
    )
    timeout: Annotated[float, Meta(gt=0, le=60, description="Seconds one export may take.")] = 5.0
    metrics: Annotated[bool, Meta(description="Whether metrics are sent.")] = True
    interval: Annotated[
        float, Meta(gt=0, le=3600, description="Seconds between two exports of metrics.")
    ] = 15.0
    projects: Annotated[bool, Meta(description="Whether projects are told apart in metrics.")] = (
        False
    )
    traces: Annotated[bool, Meta(description="Whether traces are sent.")] = True
    traces_per_second: Annotated[
        float,
        Meta(
            ge=0,
            le=1_000,
            description="Requests a second that each worker traces unasked on each listener; 0: none.",
        ),
    ] = 1.0
    callers_per_second: Annotated[
        float,
        Meta(
            ge=0,
            le=100_000,
            description="Requests a second, at most, that each worker traces on each listener because "
            "their callers do; 0: none.",
        ),
    ] = 100.0


class Otel:
    """Exports what one worker measures, and traces. Used from its event loop."""

    def __init__(self, options: OtelOptions) -> None:
        self._options = options
        self._lent: Facilities | None = None
        self._task: asyncio.Task[None] | None = None
        self._metrics: OTLPMetricExporter | None = None
        self._spans: OTLPSpanExporter | None = None
        self._provider: TracerProvider | None = None
        self._maker: SpanMaker | None = None
        self._since = time.time_ns()
        self._scope = InstrumentationScope(DISTRIBUTION, version())
        self._resource = Resource.create(
            {
                "service.name": options.service_name,
                "service.version": version(),
                "service.instance.id": f"{os.uname().nodename}/{os.getpid()}",
            }
        )

    @property
    def per_second(self) -> float:
        """How many requests a second are traced unasked."""
        return self._options.traces_per_second

    @property
    def callers_per_second(self) -> float:
        """How many requests a second are traced at most because their callers trace."""
        return self._options.callers_per_second

    async def open(self, facilities: Facilities) -> None:
        """Begin to export."""
        # It would tell of each bad `tracestate`, in the caller's words, as often as one comes.
        logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)
        self._lent = facilities
        base = self._options.endpoint.rstrip("/")
        headers, timeout = self._options.headers, self._options.timeout
        if self._options.metrics:
            facilities.metrics.begin(by_project=self._options.projects)
            self._metrics = OTLPMetricExporter(
                f"{base}/v1/metrics", headers=headers, timeout=timeout
            )
            self._task = asyncio.get_running_loop().create_task(self._run(), name="otel")
        if self._options.traces:
            self._spans = OTLPSpanExporter(f"{base}/v1/traces", headers=headers, timeout=timeout)
            self._provider = TracerProvider(
                sampler=ALWAYS_ON, resource=self._resource, shutdown_on_exit=False
            )
            self._provider.add_span_processor(BatchSpanProcessor(self._spans))
            self._maker = self._provider.get_tracer(DISTRIBUTION, version())

    async def aclose(self) -> None:
        """Send the rest, and end."""
        task, self._task = self._task, None
        self._maker = None
        hurry = asyncio.get_running_loop().call_later(FAREWELL_SECONDS, self._hurry)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        rest = asyncio.wait_for(self._export(), FAREWELL_SECONDS)
        outcomes = await asyncio.gather(rest, self._flush(), return_exceptions=True)
        for failure in outcomes:
            if isinstance(failure, Exception):
                logger.error("The rest of what is measured could not be sent.", exc_info=failure)
        hurry.cancel()
        self._hurry()

    def _hurry(self) -> None:
        """Have what is being sent given up, and nothing sent any more."""
        for exporter in (self._metrics, self._spans):
            if exporter is not None:
                exporter.shutdown()
        self._metrics = self._spans = None

    async def _flush(self) -> None:
        provider, self._provider = self._provider, None
        if provider is not None:
            await asyncio.to_thread(provider.shutdown)
            self._spans = None  # It is shut down with its provider.

    def begin(self, asked: Asked) -> Trace | None:
        """Begin a trace, if traces are sent."""
        return None if self._maker is None else RequestTrace(self._maker, asked)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._options.interval)
            try:
                await self._export()
            except Exception:
                logger.exception("What is measured could not be sent.")

    async def _export(self) -> None:
        """Send this worker's numbers; the SDK logs what a collector does not take."""
        exporter = self._metrics
        if self._lent is None or exporter is None:
            return
        waiting = await self._lent.metrics.waiting()
        readings = {**self._lent.metrics.worker(), **waiting}
        span = (self._since, time.time_ns())
        told = data(readings, self._resource, self._scope, span)
        await asyncio.to_thread(exporter.export, told, timeout_millis=self._options.timeout * 1_000)


class OtelPlugin:
    """Registers one exporter, which traces, too."""

    def __init__(self) -> None:
        self._otel: Otel | None = None

    @hookimpl
    def settings_type(self) -> type[OtelOptions]:
        """Have the table checked against the options."""
        return OtelOptions

    @hookimpl
    def exporters(self, settings: OtelOptions) -> Sequence[Exporter]:
        """Send metrics, and what is traced."""
        return [self._one(settings)]

    @hookimpl
    def tracers(self, settings: OtelOptions) -> Sequence[Tracer]:
        """Trace requests."""
        return [self._one(settings)] if settings.traces else []

    def _one(self, options: OtelOptions) -> Otel:
        self._otel = self._otel or Otel(options)
        return self._otel
