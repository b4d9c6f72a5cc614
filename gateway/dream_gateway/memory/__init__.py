"""The reference backend: every role in this process's memory, gone when it ends."""

from dream_gateway.memory.backend import open_backend

__all__ = ["open_backend"]
