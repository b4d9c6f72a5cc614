"""The only place that knows the driver: its connections, with types, and its errors as ours.

One connection, not the driver's client: a batch is one write and one read, many callers share a
connection without waiting for each other, and a cluster's redirections are seen as they come.
"""

from __future__ import annotations

from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, cast

from valkey.asyncio import connection as valkey_connection
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    ValkeyError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway_valkey.address import Address, Node

CODES: tuple[tuple[type[Exception], str], ...] = (
    (BusyLoadingError, "LOADING"),
    (ReadOnlyError, "READONLY"),
    (OutOfMemoryError, "OOM"),
    (NoPermissionError, "NOPERM"),
    (AuthenticationError, "NOAUTH"),
)
"""The codes that the driver cuts off the server's errors."""

DRIVER_ERRORS = (ValkeyError, OSError, EOFError)


class RefusedError(Exception):
    """The server answered with an error; `code` is its first word, `text` all of it.

    The text may repeat what the caller sent, so it is for deciding, never for showing.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


class BrokenError(Exception):
    """The connection failed. `sent`: commands may have reached the server, and may have run."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection failed")
        self.sent = sent


class DistrustedError(BrokenError):
    """The server's certificate is not one to trust."""


class Wire:
    """One connection to one server. Not to be used by two tasks that read, or two that connect."""

    def __init__(self, address: Address, node: Node) -> None:
        self._connection = _connection(address, node)

    async def connect(self) -> None:
        """Connect and log in. Raises `RefusedError` if the server says no, else `BrokenError`."""
        try:
            await self._connection.connect()
        except ResponseError as error:
            raise refusal(error) from error
        except AuthenticationError as error:
            raise RefusedError("WRONGPASS", "") from error
        except BusyLoadingError as error:
            raise RefusedError("LOADING", "") from error
        except DRIVER_ERRORS as error:
            if _is_about_trust(error):
                raise DistrustedError(sent=False) from error
            raise BrokenError(sent=False) from error

    def pack(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[bytes]:
        """Return commands as they go over the wire. Raises `UnicodeError`."""
        return cast("list[bytes]", self._connection.pack_commands(commands))

    async def send(self, packed: list[bytes]) -> None:
        """Write; waits only while the server does not read. Raises `BrokenError`."""
        if not self._connection.is_connected:
            raise BrokenError(sent=False)  # the driver would connect anew, behind the reader's back
        try:
            await self._connection.send_packed_command(packed, check_health=False)
        except DRIVER_ERRORS as error:
            raise BrokenError(sent=True) from error

    async def read(self) -> Any:
        """Return the next reply; one that is an error is returned as a `RefusedError`."""
        try:
            return await self._connection.read_response(
                disable_decoding=True, disconnect_on_error=False
            )
        except (ResponseError, BusyLoadingError, AuthenticationError) as error:
            return refusal(error)
        except DRIVER_ERRORS as error:
            raise BrokenError(sent=True) from error

    async def close(self) -> None:
        """Let go of the connection. Never raises for a connection that failed."""
        try:
            await self._connection.disconnect(nowait=True)
        except DRIVER_ERRORS:
            return


def refusal(error: Exception) -> RefusedError:
    """Return the server's error with its code, whether or not the driver left that in."""
    text = str(error)
    for kind, code in CODES:
        if isinstance(error, kind):
            return RefusedError(code, text)
    return RefusedError(text.partition(" ")[0], text)


def _is_about_trust(error: BaseException | None) -> bool:
    """Return whether a certificate was refused; the driver's own error hides it."""
    while error is not None and not isinstance(error, SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _connection(address: Address, node: Node) -> Any:
    options: dict[str, Any] = {
        "db": address.db,
        "username": address.user or None,
        "password": address.password or None,
        "socket_timeout": None,
        "socket_connect_timeout": address.timeout / 2,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "dream-gateway",
        "lib_name": None,
        "lib_version": None,
    }
    if node.path:
        return valkey_connection.UnixDomainSocketConnection(path=node.path, **options)
    options |= {"host": node.host, "port": node.port, "socket_keepalive": True}
    if address.tls:
        return valkey_connection.SSLConnection(
            ssl_cert_reqs="required", ssl_check_hostname=True,
            ssl_ca_certs=address.ca or None, **options,
        )  # fmt: skip
    return valkey_connection.Connection(**options)
