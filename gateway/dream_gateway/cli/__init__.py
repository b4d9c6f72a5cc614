"""The command `dream-gateway`. Each group of commands is imported when it is used."""

from dream_gateway.cli.root import main

__all__ = ["main"]
