"""Sends the gateway's metrics and traces by OTLP over HTTP (OpenTelemetry)."""

from dream_gateway_otel.plugin import OtelPlugin

__all__ = ["OtelPlugin"]
