"""Dream Gateway on Valkey, one server or a cluster: the ledger, the shared cache and the change feed."""

from dream_gateway_valkey.backend import open_backend

__all__ = ["open_backend"]
