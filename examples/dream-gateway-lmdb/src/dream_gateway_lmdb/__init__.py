"""A ledger in an LMDB file, which the processes of one machine share."""

from dream_gateway_lmdb.backend import open_backend

__all__ = ["open_backend"]
