"""Dream Gateway on PostgreSQL: the records, the ledger and the change feed, for many nodes."""

from dream_gateway_postgres.backend import open_backend

__all__ = ["open_backend"]
