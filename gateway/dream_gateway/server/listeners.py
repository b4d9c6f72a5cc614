"""The two listening sockets: opened once, by the supervisor, and inherited by every worker.

Or handed down by whoever starts the gateway, so that they stay open, with who waits at them, while it is
started again: file descriptors from 3 on, as in sd_listen_fds(3).
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.errors import AddressInUseError, ConfigurationError
from dream_gateway.settings import base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.settings import Settings

FIRST_INHERITED = 3
NAMES = ("edge", "service")
"""What `LISTEN_FDNAMES` calls them; without names they come in this order."""

BACKLOG = 2048
"""Connections the system keeps waiting while no worker accepts."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a gateway listens: the base URLs of its two planes."""

    edge: str
    service: str


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of the two planes."""

    edge: socket.socket
    service: socket.socket

    def addresses(self, settings: Settings) -> Addresses:
        """Return where they listen; a port asked for as 0 is known by now."""
        return Addresses(
            _url(self.edge, settings.tls_certificate),
            _url(self.service, settings.service_tls_certificate),
        )

    def close(self) -> None:
        """Stop listening, as far as this process goes. Safe to call twice."""
        self.edge.close()
        self.service.close()


def open_listeners(settings: Settings, environ: Mapping[str, str] = os.environ) -> Listeners:
    """Listen on both addresses, or on none; on inherited sockets if there are any.

    Raises `AddressInUseError` if another program does, `ConfigurationError` if an address cannot be
    listened on at all; both name the setting.
    """
    inherited = _inherited(environ)
    if inherited is not None:
        return inherited
    edge = _listen("port", settings.host, settings.port)
    try:
        service = _listen("service_port", settings.service_host, settings.service_port)
    except BaseException:
        edge.close()
        raise
    return Listeners(edge, service)


def _inherited(environ: Mapping[str, str]) -> Listeners | None:
    """Return the sockets that are meant for this process, `None` if none are."""
    number = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not number.isdigit():
        return None
    names = environ.get("LISTEN_FDNAMES", ":".join(NAMES)).split(":")
    if int(number) != len(NAMES) or sorted(names) != sorted(NAMES):
        raise ConfigurationError(
            f"{number} sockets were handed down, named {':'.join(names)}; the gateway takes two: "
            f"FileDescriptorName={NAMES[0]} and FileDescriptorName={NAMES[1]}."
        )
    found = {n: socket.socket(fileno=FIRST_INHERITED + at) for at, n in enumerate(names)}
    for listener in found.values():
        listener.setblocking(False)
    return Listeners(**found)


def _listen(setting: str, host: str, port: int) -> socket.socket:
    try:
        return _open(host, port)
    except OSError as error:
        place = f"{host}:{port} ({setting})"
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"Another program listens on {place}; stop it, or choose another {setting}."
            ) from error
        reason = error.strerror or "not an address of this machine"
        raise ConfigurationError(f"Cannot listen on {place}: {reason}.") from error


def _open(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # With SO_REUSEADDR two programs may bind the same port: only listening settles whose it is.
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket, certificate: str) -> str:
    host, port = listener.getsockname()[:2]
    return base_url(host, port, is_secure=bool(certificate))
