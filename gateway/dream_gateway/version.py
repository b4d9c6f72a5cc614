"""The version, from the one place that has it: the metadata of what is installed."""

from __future__ import annotations

from importlib.metadata import version as installed

DISTRIBUTION = "dream-gateway"


def version() -> str:
    """Return the version of this distribution, as `pyproject.toml` says it."""
    return installed(DISTRIBUTION)
