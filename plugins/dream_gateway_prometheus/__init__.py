"""Tells Prometheus what a node of the gateway measures, at `/metrics`."""

from dream_gateway_prometheus.plugin import PrometheusPlugin

__all__ = ["PrometheusPlugin"]
