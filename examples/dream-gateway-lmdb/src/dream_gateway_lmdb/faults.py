"""The one place where LMDB's errors become the gateway's."""

from __future__ import annotations

import lmdb

from dream_gateway.errors import GatewayError, StoreCorruptError, StoreUnavailableError

DAMAGED = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.VersionMismatchError)

DETAILS: dict[type[lmdb.Error], str] = {
    lmdb.MapFullError: "The LMDB file is full: give its URL a greater map_mib.",
    lmdb.MapResizedError: "Another process opened the LMDB file with a greater map_mib.",
    lmdb.DiskError: "The disk that holds the LMDB file failed or is full.",
    lmdb.ReadonlyError: "The LMDB file cannot be written: permission is denied.",
}


def translate(error: lmdb.Error, *, starting: bool = False) -> GatewayError:
    """Return the gateway's error for LMDB's; the caller raises it `from` the original."""
    if starting and isinstance(error, DAMAGED):
        return StoreCorruptError("The file is damaged, or no LMDB file.")
    return StoreUnavailableError(DETAILS.get(type(error), "LMDB refused the operation."))
