"""The one place where what goes wrong with a server becomes the gateway's errors."""

from __future__ import annotations

from typing import Any

from dream_gateway.errors import (
    ConfigurationError,
    GatewayError,
    StoreCorruptError,
    StoreUnavailableError,
)
from dream_gateway_valkey.driver import BrokenError, DistrustedError, RefusedError

PASSING = frozenset(
    {"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN", "BUSY"}
)
"""Errors that another try, perhaps elsewhere, may not meet."""

OPERATORS = frozenset({"WRONGPASS", "NOAUTH", "NOPERM"})
"""Errors that only an operator can mend."""

NO_FUNCTION = "Function not found"
ALREADY_LOADED = "already exists"

DETAILS = {
    "WRONGPASS": "The Valkey server does not accept the user or the password.",
    "NOAUTH": "The Valkey server does not accept the user or the password.",
    "NOPERM": "The Valkey user lacks a permission.",
    "OOM": "The Valkey server's memory is full.",
    "MISCONF": "The Valkey server cannot write to its disk.",
    "NOREPLICAS": "The Valkey server has too few replicas to write.",
    "READONLY": "The Valkey server is a replica, which cannot be written.",
    "LOADING": "The Valkey server is still loading its data.",
    "CLUSTERDOWN": "The Valkey cluster is down.",
    **dict.fromkeys(("TRYAGAIN", "ASK", "MOVED"), "The Valkey cluster is moving this slot."),
    "LOST": "The ledger's data on the Valkey server was lost or replaced: restart the gateway.",
}


class NotReplicatedError(Exception):
    """Fewer replicas than asked for have a write."""


def unavailable(failure: Exception | None) -> StoreUnavailableError:
    """Return the error for callers; they raise it `from` the failure. Nothing secret is in it."""
    if isinstance(failure, NotReplicatedError):
        return StoreUnavailableError("Too few replicas of the Valkey server have the write.")
    if isinstance(failure, RefusedError):
        detail = DETAILS.get(failure.code, "The Valkey server refused the operation.")
        return StoreUnavailableError(detail)
    return StoreUnavailableError("The Valkey server cannot be reached, or does not answer.")


def starting(failure: BrokenError | RefusedError, where: str) -> GatewayError:
    """Return the error for an operator who starts the gateway."""
    if isinstance(failure, DistrustedError):
        return ConfigurationError(
            f"The certificate of the Valkey server at {where} is not one to trust: the option ca "
            "names the file of those who may sign it."
        )
    if isinstance(failure, BrokenError):
        return StoreUnavailableError(f"The Valkey server at {where} cannot be reached.")
    if failure.code in OPERATORS:
        return ConfigurationError(DETAILS[failure.code])
    if "DB index" in failure.text or "SELECT is not allowed" in failure.text:
        return ConfigurationError("The Valkey server has no database of that number.")
    if "cluster support disabled" in failure.text:
        return ConfigurationError("The Valkey server is not a cluster: use valkey://.")
    return unavailable(failure)


def damaged() -> StoreCorruptError:
    """Return the error for a ledger whose own keys make no sense."""
    return StoreCorruptError("The ledger's keys on the Valkey server are damaged.")


def passes(failure: Exception | None) -> bool:
    """Return whether another try is worth it."""
    if isinstance(failure, RefusedError):
        return failure.code in PASSING or lacks_function(failure)
    return True


def lacks_function(reply: Any) -> bool:
    """Return whether a server does not have the ledger's functions."""
    return isinstance(reply, RefusedError) and NO_FUNCTION in reply.text


def loaded_meanwhile(reply: RefusedError) -> bool:
    """Return whether somebody else gave a server the functions first."""
    return ALREADY_LOADED in reply.text
