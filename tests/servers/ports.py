"""Ports of loopback for what tests start."""

from __future__ import annotations

import socket


def free_port(*above: int) -> int:
    """Return a port that nobody listens on, nor on those that are so far above it."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            if all(_is_free(port + each) for each in above):
                return port


def _is_free(port: int) -> bool:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True
