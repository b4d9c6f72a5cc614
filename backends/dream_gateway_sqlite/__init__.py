"""Dream Gateway on one SQLite file: the records, the ledger and the change feed."""

from dream_gateway_sqlite.backend import open_backend

__all__ = ["open_backend"]
