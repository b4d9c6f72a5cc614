"""The embedded identity provider: accounts with passwords, their pages, and tokens of its own."""

from dream_gateway_local.plugin import LocalPlugin

__all__ = ["LocalPlugin"]
