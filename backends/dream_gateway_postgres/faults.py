"""The one place where the driver's errors become the gateway's."""

from __future__ import annotations

import ssl

import asyncpg

from dream_gateway.errors import (
    ConfigurationError,
    GatewayError,
    InvalidRequestError,
    StoreUnavailableError,
)

LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # The driver's word for a connection that the server ended while it was idle.
    asyncpg.exceptions.InternalClientError,
)
"""What a connection raises that broke under a call."""

FAILURES = (*LOST, TimeoutError, asyncpg.PostgresError)
"""All that the driver raises where the store failed."""

UNFIT = (
    asyncpg.DataError,
    asyncpg.exceptions.ProgramLimitExceededError,
    asyncpg.exceptions.CharacterNotInRepertoireError,
    UnicodeError,
    OverflowError,
)
"""What data raises that cannot be stored."""

OPERATORS = (
    (asyncpg.InvalidPasswordError, "The database refused the user or the password."),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "The database lets this user not connect from here, or not in this way.",
    ),
    (asyncpg.InvalidCatalogNameError, "There is no such database on the server."),
    (
        asyncpg.exceptions.ClientConfigurationError,
        "The PostgreSQL URL, or a variable PG*, holds something the driver does not understand.",
    ),
    (asyncpg.InsufficientPrivilegeError, "The database user lacks a privilege it needs."),
    (
        asyncpg.exceptions.InvalidSchemaNameError,
        "There is no schema on the search path to create tables in.",
    ),
    (ssl.SSLCertVerificationError, "The server's certificate cannot be verified."),
)
"""What the operator must fix, where it comes at start."""

DETAILS = (
    (asyncpg.exceptions.LockNotAvailableError, "The database was too busy to answer in time."),
    (asyncpg.exceptions.TooManyConnectionsError, "The database has no connection to spare."),
    (asyncpg.exceptions.ReadOnlySQLTransactionError, "The database cannot be written now."),
    (asyncpg.exceptions.InsufficientResourcesError, "The database is short of disk or memory."),
    (asyncpg.exceptions.CannotConnectNowError, "The database is starting up or shutting down."),
    (TimeoutError, "The database did not answer in time."),
    (LOST, "The database cannot be reached."),
)


def is_lost(error: BaseException) -> bool:
    """Return whether the connection broke, so that the call may succeed on another."""
    if isinstance(error, TimeoutError):
        return False
    if isinstance(error, asyncpg.PostgresError) and str(error.sqlstate)[:3] == "57P":
        return True  # the server is shutting down, or somebody ended this session
    return isinstance(error, LOST) and not isinstance(error, UNFIT)


def is_store_failure(error: BaseException) -> bool:
    """Return whether the store failed, rather than one of the calls it was given."""
    return isinstance(error, FAILURES) and not is_unfit(error)


def is_unfit(error: BaseException) -> bool:
    """Return whether the data was to blame, rather than the store."""
    return isinstance(error, UNFIT)


def translate(error: BaseException, *, starting: bool = False) -> GatewayError:
    """Return the gateway's error for the driver's; the caller raises it `from` the original."""
    if isinstance(error, GatewayError):
        return error
    if starting:
        for kind, detail in OPERATORS:
            if isinstance(error, kind):
                return ConfigurationError(detail)
    if is_unfit(error):
        return InvalidRequestError("A number or a text in it cannot be stored.")
    for kinds, detail in DETAILS:
        if isinstance(error, kinds):
            return StoreUnavailableError(detail)
    return StoreUnavailableError("The database refused the operation.")


def chained(error: BaseException, cause: BaseException) -> BaseException:
    """Return `error` as `raise ... from cause` would leave it, for a future to raise."""
    if error is not cause:
        error.__cause__ = cause
    return error
