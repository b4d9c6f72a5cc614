"""A certificate authority, a client that blocks, and a TLS front for servers built without TLS."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DAY = datetime.timedelta(days=1)


class Issued(NamedTuple):
    """The files of a certificate and its key, and its serial number."""

    certificate: Path
    key: Path
    serial: int


class Authority:
    """Signs certificates; its own is in `path`."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path = folder / f"{name.replace(' ', '-')}.pem"
        self.path.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def context(self, address: str) -> ssl.SSLContext:
        """Return the context of a server whose certificate is for one IP address."""
        issued = self.issue(address, self._folder / f"{address}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.path)

    def issue(self, address: str, certificate: Path, until: datetime.timedelta = DAY) -> Issued:
        """Sign a certificate for one IP address, and put it there, and its key beside it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        made = self._builder(subject, key.public_key(), until).add_extension(names, critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        certificate.write_bytes(_pem(signed))
        private = certificate.with_suffix(".key")
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        private.chmod(0o600)
        return Issued(certificate, private, signed.serial_number)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime.timedelta = DAY
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - 2 * DAY,
            not_valid_after=now + until,
        )


def ask(host: str, port: int, context: ssl.SSLContext, request: bytes) -> ssl.SSLSocket:
    """Ask as a client does that reads nothing unless it is told to. Blocks."""
    plain = socket.create_connection((host, port), timeout=PATIENCE_SECONDS)
    # With `suppress_ragged_eofs`, an end that was not said would look like one that was.
    tls = context.wrap_socket(plain, server_hostname=host, suppress_ragged_eofs=False)
    tls.sendall(request)
    return tls


def all_of(tls: ssl.SSLSocket) -> bytes:
    """Return what comes until the end is said, and close. Blocks."""
    got = bytearray()
    while data := tls.recv(65536):
        got += data
    tls.close()
    return bytes(got)


@asynccontextmanager
async def fronted(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Take TLS off before a port of this machine, on the port that is yielded."""

    async with _joined(port, inside=None, outside=context) as own:
        yield own


@asynccontextmanager
async def reached(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Speak TLS to a port of this machine for whoever connects to the port that is yielded."""
    async with _joined(port, inside=context, outside=None) as own:
        yield own


@asynccontextmanager
async def _joined(
    port: int, inside: ssl.SSLContext | None, outside: ssl.SSLContext | None
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port, ssl=inside)
        try:
            await asyncio.gather(_pass_on(reader, up_writer), _pass_on(up_reader, writer))
        finally:
            writer.close()
            up_writer.close()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(join(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=outside)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            # Whoever has heard enough may have more to say, to one who must not be cut off for it.
            with suppress(OSError):
                writer.write(data)
                await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
